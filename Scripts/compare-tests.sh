#!/usr/bin/env bash
# Runs the tests of `stargate-bench compare` with real servers, which need the machine for themselves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# In CI the tests are built already, with other options.
STARGATE_COMPARE_TESTS=1 exec swift test ${CI:+--skip-build -Xswiftc -warnings-as-errors} \
    --filter CompareTests
