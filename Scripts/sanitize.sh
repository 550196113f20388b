#!/usr/bin/env bash
# Runs the unit tests under a sanitizer, in a build folder of its own.
#
#   sanitize.sh address|thread
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kind=${1:?address or thread}

# The thread sanitizer needs the memory layout that kernels without much randomisation give.
layout=()
[ "$kind" = thread ] && command -v setarch >/dev/null && setarch -R true 2>/dev/null \
    && layout=(setarch -R)

# What XCTest leaves behind at its end is no leak of ours.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=0:exitcode=66}
PATH="$PWD/.build/test-clients/bin:$PATH"
exec ${layout[@]+"${layout[@]}"} \
    swift test --sanitize="$kind" --scratch-path ".build-$kind" </dev/null
