#!/usr/bin/env bash
# Fuzzes the code that meets the wire: builds Fuzz/ with coverage, and runs its targets over the
# committed corpus. A target that finds something leaves its input in .build-fuzz/found/; once it is
# mended, the input goes to Fuzz/Regressions/TARGET/ and is run first from then on.
#
#   fuzz.sh TARGET [SECONDS]   one target; further arguments go to libFuzzer
#   fuzz.sh all [SECONDS]      all targets, FUZZ_JOBS at a time, or as many as there are cores
#   fuzz.sh list               the names of the targets
#   fuzz.sh replay FILE        run one input; its folder's or file's name begins with the target
#   fuzz.sh total              how many inputs were executed so far, target by target
#
# FUZZ_SANITIZERS=fuzzer builds without the address sanitizer, which is twice as fast.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
sanitizers=${FUZZ_SANITIZERS:-fuzzer,address}
build=.build-fuzz
[ "$sanitizers" = fuzzer,address ] || build=.build-fuzz-${sanitizers//,/-}
program=$build/release/stargate-fuzz
grown=.build-fuzz/corpus
found=.build-fuzz/found
executions=.build-fuzz/executions.tsv

# The backtracer would take the signals that libFuzzer is to see.
export SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1}

build_program() {
    # So that the sources of the engine are listed anew: a file that is new is not found otherwise.
    touch Fuzz/Package.swift
    swift build --package-path Fuzz --scratch-path "$build" --configuration release \
        --product stargate-fuzz --sanitize fuzzer -Xswiftc -sanitize="$sanitizers" \
        -Xswiftc -enable-testing -Xswiftc -warnings-as-errors </dev/null
    # Without counters a fuzzer runs as well, and finds nothing.
    local counters
    counters=$(FUZZ_TARGET=utf8 "$program" -runs=0 2>&1 \
        | sed -nE 's/.*Loaded 1 modules +\(([0-9]+) inline 8-bit counters\).*/\1/p')
    [ "${counters:-0}" -ge 10000 ] || {
        echo "fuzz: ${counters:-no} counters: the engine was built without coverage" >&2
        exit 1
    }
    echo "fuzz: $counters counters"
}

dictionary_of() {
    case $1 in
    request-head | response-head | handshake | extensions | body | url | proxy-header) echo http ;;
    connection) echo connection ;;
    topics) echo topics ;;
    *) echo frames ;;
    esac
}

# run_target NAME BYTES SECONDS [libFuzzer's arguments]: the corpus first, then what is new.
run_target() {
    local name=$1 bytes=$2 seconds=$3 log=.build-fuzz/$1.log status=0
    shift 3
    local since=$SECONDS corpora=("$grown/$name" "Fuzz/Corpus/$name")
    [ -d "Fuzz/Regressions/$name" ] && corpora+=("Fuzz/Regressions/$name")
    mkdir -p "$grown/$name" "$found"
    FUZZ_TARGET=$name "$program" -max_total_time="$seconds" -max_len="$bytes" -timeout=20 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/$name-" \
        -dict="Fuzz/Dictionaries/$(dictionary_of "$name").dict" "$@" \
        "${corpora[@]}" >"$log" 2>&1 || status=$?
    local count coverage
    count=$(sed -nE 's/^stat::number_of_executed_units: +([0-9]+)/\1/p' "$log" | tail -n1)
    coverage=$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' "$log" | tail -n1)
    printf '%s\t%s\t%s\t%s\n' "$(date -u +%FT%TZ)" "$name" "${count:-0}" "$((SECONDS - since))" \
        >>"$executions"
    if [ "$status" -ne 0 ]; then
        echo "fuzz: $name FAILED after ${count:-?} inputs" >&2
        grep -vE '^(#|INFO|NEW_FUNC|stat::|	NEW_FUNC)' "$log" | cut -c -400 | tail -n 40 >&2
        return 1
    fi
    # A target that reaches little code tests nothing, however often it runs.
    [ "${coverage:-0}" -ge 50 ] || {
        echo "fuzz: $name reaches ${coverage:-no} edges only" >&2
        return 1
    }
    echo "fuzz: $name: ${count:-0} inputs, $coverage edges"
}

list() { FUZZ_TARGET=list "$program" -runs=0; }

case ${1:-} in
total)
    awk -F '\t' '{ sum[$2] += $3; seconds[$2] += $4; all += $3; time += $4 }
        END { for (name in sum) printf "%-16s %12d inputs %8d s\n", name, sum[name], seconds[name] \
            | "sort"; close("sort"); printf "%-16s %12d inputs %8d s\n", "total", all, time }' \
        "$executions"
    ;;
replay)
    build_program
    file=${2:?the input}
    while read -r name _; do
        case $(basename "$(dirname "$file")")/$(basename "$file") in
        "$name"/* | */"$name"-*) FUZZ_TARGET=$name exec "$program" "$file" ;;
        esac
    done < <(list)
    echo "fuzz: no target is named like $file" >&2
    exit 1
    ;;
list)
    build_program >/dev/null
    list
    ;;
all)
    build_program
    list | xargs -P "${FUZZ_JOBS:-$(nproc)}" -n 2 "$0" run "${2:-60}"
    ;;
run) run_target "$3" "$4" "$2" ;; # for `all`: SECONDS TARGET BYTES, without a build
'')
    sed -n '2,13p' "$0" >&2
    exit 2
    ;;
*)
    build_program
    bytes=$(list | awk -v name="$1" '$1 == name { print $2 }')
    [ -n "$bytes" ] || {
        echo "fuzz: there is no target $1; there are:" $(list | cut -d ' ' -f 1) >&2
        exit 2
    }
    run_target "$1" "$bytes" "${2:-60}" "${@:3}"
    ;;
esac
