#!/usr/bin/env bash
# Measures Stargate and a server written with Python `websockets` in turns, on this machine.
#
#   compare.sh [ROUNDS] [SECONDS]     default: 3 rounds of 3 s for each figure
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
swift build --configuration release --product stargate-bench
bench=$(swift build --configuration release --show-bin-path)/stargate-bench
exec .build/test-clients/bin/python -B Scripts/compare.py "$bench" "${1:-3}" "${2:-3}"
