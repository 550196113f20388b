#!/usr/bin/env bash
# A second of each measurement, for its exit status: errors count here, speed does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
swift build --configuration release --product stargate-bench
bench=$(swift build --configuration release --show-bin-path)/stargate-bench
"$bench" handshake -c 16 -d 1
"$bench" echo -c 16 -d 1 --size 125
"$bench" broadcast -c 50 -d 1
"$bench" push -c 4 -d 1
# The one place where times are judged: does a stall of the server show?
Scripts/bench-truth.py "$bench"
