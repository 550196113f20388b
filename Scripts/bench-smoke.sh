#!/usr/bin/env bash
# A second of each measurement, for its exit status: errors count here, speed does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
swift build --configuration release --product stargate-bench
bench=$(swift build --configuration release --show-bin-path)/stargate-bench
"$bench" handshake -c 16 -d 1
"$bench" echo -c 16 -d 1 --size 125
