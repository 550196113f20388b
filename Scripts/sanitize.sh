#!/usr/bin/env bash
# Runs the unit tests under sanitizers, in a build folder of their own.
#
#   sanitize.sh address [FILTER]     memory, and what C leaves undefined: all tests, or those named
#   sanitize.sh thread [FILTER]      races: the tests in which threads meet, or those that are named
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kind=${1:?address or thread}
filter=${2:-}

# What XCTest leaves behind at its end is no leak of ours; and a test has an allocation fail.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=0:exitcode=66:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
# A test that crashes shows the sanitizer's report; Swift's own takes minutes here.
export SWIFT_BACKTRACE=${SWIFT_BACKTRACE:-enable=no}
PATH="$PWD/.build/test-clients/bin:$PATH"

# Left out: hundreds of thousands of messages, and 16 MiB against a slow handler, which take minutes
# here and show nothing more.
arguments=(--sanitize="$kind" --scratch-path ".build-$kind" --skip TopicOrderTests --skip StreamingTests/credit)
layout=()
case $kind in
address)
    # Swift traps where C goes on: only the C code in our headers has something undefined.
    arguments+=(-Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined)
    ;;
thread)
    # The sanitizer needs the memory layout that kernels without much randomisation give.
    command -v setarch >/dev/null && setarch -R true 2>/dev/null && layout=(setarch -R)
    # Locks that the sanitizer can see: see Lock.swift.
    arguments+=(-Xswiftc -DTHREAD_SANITIZER)
    # The sanitizer's own descriptors would be counted by the test that counts ours.
    arguments+=(--no-parallel --skip descriptorsAlone)
    filter=${filter:-LoopTests|StopTests|ClientOverSocketTests|ProtocolsOverSocketTests|Async|TopicDelivery|SmokeTests}
    ;;
*)
    sed -n '2,6p' "$0" >&2
    exit 2
    ;;
esac
[ -z "$filter" ] || arguments+=(--filter "$filter")
exec ${layout[@]+"${layout[@]}"} swift test "${arguments[@]}" </dev/null
