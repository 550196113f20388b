#!/usr/bin/env bash
# Runs the unit tests under a sanitizer, in a build folder of its own.
#
#   sanitize.sh address              all tests
#   sanitize.sh thread [FILTER]      the tests in which threads meet, or those that are named
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kind=${1:?address or thread}

# What XCTest leaves behind at its end is no leak of ours; and a test has an allocation fail.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=1}
suppressions=suppressions=Scripts/tsan-suppressions.txt
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=0:exitcode=66:allocator_may_return_null=1:$suppressions}
PATH="$PWD/.build/test-clients/bin:$PATH"

# Left out: hundreds of thousands of messages, and 16 MiB against a slow handler, which take minutes
# here and show nothing more.
arguments=(--sanitize="$kind" --scratch-path ".build-$kind" --skip TopicOrderTests --skip StreamingTests/credit)
layout=()
if [ "$kind" = thread ]; then
    # The sanitizer needs the memory layout that kernels without much randomisation give.
    command -v setarch >/dev/null && setarch -R true 2>/dev/null && layout=(setarch -R)
    # The sanitizer's own descriptors would be counted by the test that counts ours.
    arguments+=(--no-parallel --skip descriptorsAlone)
    arguments+=(--filter "${2:-LoopTests|StopTests|ClientOverSocketTests|ProtocolsOverSocketTests|Async|TopicDelivery|SmokeTests}")
fi
exec ${layout[@]+"${layout[@]}"} swift test "${arguments[@]}" </dev/null
