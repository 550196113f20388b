#!/usr/bin/env bash
# Runs the tests and the simulation under sanitizers, in build folders of their own.
#
#   sanitize.sh address [FILTER]     memory, leaks, and what C leaves undefined: all tests, or those
#                                    named, and SEEDS runs of the simulation (1000)
#   sanitize.sh thread [FILTER]      races: the tests in which threads meet, or those that are named
#   sanitize.sh short                in CI: what meets the wire, and the simulation
#   sanitize.sh short-thread         in CI: topics, loops, executors
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kind=${1:-}
filter=${2:-}
seeds=${SEEDS:-1000}
case $kind in
short)
    kind=address
    filter='Scanner|Chunked|Head|Assembler|MessageBuffer|PerMessageDeflate|UTF8Validator|Extensions|Handshake|URL|Hixie|ProxyHeader|Threat|Violation|Publication|TopicTable|BufferPool|MemorySocket|StargateTestingTests'
    ;;
short-thread)
    kind=thread
    filter='LoopTests|StopTests|TopicDelivery|SlowSubscriber|AsyncHandler|SmokeTests'
    ;;
esac

# What XCTest leaves behind at its end is no leak of ours: the simulation and the fuzzers look for
# those. And a test has an allocation fail.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=0:exitcode=66:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
# A test that crashes shows the sanitizer's report; Swift's own takes minutes here.
export SWIFT_BACKTRACE=${SWIFT_BACKTRACE:-enable=no}
PATH="$PWD/.build/test-clients/bin:$PATH"

arguments=(--sanitize="$kind" --scratch-path ".build-$kind")
layout=()
case $kind in
address)
    # Swift traps where C goes on: only the C code in our headers has something undefined.
    arguments+=(-Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined)
    # The sanitizer's allocator does not say what glibc's says.
    arguments+=(--skip "what is allocated shows at once")
    ;;
thread)
    # The sanitizer needs the memory layout that kernels without much randomisation give.
    command -v setarch >/dev/null && setarch -R true 2>/dev/null && layout=(setarch -R)
    # Locks that the sanitizer can see: see Lock.swift.
    arguments+=(-Xswiftc -DTHREAD_SANITIZER)
    # The sanitizer's own descriptors would be counted by the test that counts ours.
    arguments+=(--no-parallel --skip descriptorsAlone)
    filter=${filter:-LoopTests|StopTests|ClientOverSocketTests|ProtocolsOverSocketTests|Async|Streaming|Topic|SlowSubscriber|Publisher|SmokeTests}
    ;;
*)
    sed -n '2,8p' "$0" >&2
    exit 2
    ;;
esac
[ -z "$filter" ] || arguments+=(--filter "$filter")
${layout[@]+"${layout[@]}"} swift test "${arguments[@]}" </dev/null
# One thread there, and nothing but the engine: whatever is left in the end was leaked.
[ "$kind" = thread ] ||
    ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=1 .build-address/debug/simulate --seeds "$seeds"
