#!/usr/bin/env bash
# Runs the unit tests: first those of the libraries, then those of the load tester, whose programs take
# the processors that the others' deadlines count on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# In CI the tests are built already, with other options.
options=(${CI:+--skip-build -Xswiftc -warnings-as-errors})
swift test "${options[@]}" --skip StargateBenchTests
swift test "${options[@]}" --filter StargateBenchTests
