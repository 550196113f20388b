#!/usr/bin/env bash
# Counts the instructions of every scanner by callgrind, and holds them against Micro/thresholds.tsv:
# 3 % more fails, 10 % less asks for a new threshold. Instructions, not times: the same on a busy
# machine as on a quiet one.
#
#   micro.sh             all of them
#   micro.sh NAME...     these
#   micro.sh --update    writes what it counts as the new thresholds
#   micro.sh --time      nanoseconds on this machine instead, held against nothing
#
# What OpenSSL, zlib and libdeflate do is in some of the figures: after an update of theirs, or with another
# compiler, new thresholds may be right.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
thresholds=Micro/thresholds.tsv
build=$PWD/.build/micro
mkdir -p "$build"
swift build --package-path Micro --scratch-path "$build" --configuration release --product micro \
    -Xswiftc -enable-testing >"$build.log" 2>&1 </dev/null || { cat "$build.log" >&2; exit 1; }
# valgrind 3.19 cannot read the debug information of Swift's compiler.
program=$build/micro-stripped
strip -g -o "$program" "$build/release/micro"

if [ "${1:-}" = --time ]; then
    exec "$program" time "${@:2}"
fi
update=
[ "${1:-}" = --update ] && update=1 && shift
names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <("$program" list)

# total NAME COUNT: the instructions of the whole program.
total() {
    SWIFT_DETERMINISTIC_HASHING=1 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$program" "$@" 2>&1 | sed -n 's/^.*Collected : //p' | tail -n1
}

status=0
counted=()
printf '%-28s %12s %12s\n' 'instructions' 'threshold' 'counted'
for name in "${names[@]}"; do
    short=$(total "$name" 200)
    long=$(total "$name" 1200)
    [ -n "$short" ] && [ -n "$long" ] || { echo "$name: valgrind counted nothing" >&2; exit 1; }
    # Tenths, because the shortest of them take few.
    count=$(awk -v low="$short" -v high="$long" 'BEGIN { printf "%.1f", (high - low) / 1000 }')
    threshold=$(awk -F '\t' -v name="$name" '$1 == name { print $2 }' "$thresholds" 2>/dev/null || true)
    verdict=$(awk -v count="$count" -v limit="${threshold:-0}" 'BEGIN {
        if (limit == 0) print "no threshold"
        else if (count > limit * 1.03 + 1) printf "%.1f %% more", (count / limit - 1) * 100
        else if (count < limit * 0.9 - 1) printf "%.1f %% less: lower the threshold", (1 - count / limit) * 100
    }')
    printf '%-28s %12s %12s  %s\n' "$name" "${threshold:--}" "$count" "$verdict"
    [ -z "$verdict" ] || status=1
    counted+=("$name"$'\t'"$count")
done
if [ -n "$update" ]; then
    printf '%s\n' "${counted[@]}" >"$thresholds"
    echo "written: Benchmarks/$thresholds"
    exit 0
fi
exit $status
