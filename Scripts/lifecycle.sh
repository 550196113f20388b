#!/usr/bin/env bash
# A server's end, its restart, and what it does when system calls fail, against the release build.
#
#   lifecycle.sh drain       10,000 clients are told 1001
#   lifecycle.sh restart     10 restarts under 500 new connections per second
#   lifecycle.sh faults      100 seeds of faults, and every fifth call of a scenario
#   lifecycle.sh short       a little of each, and ten seconds of soak, for every change
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
swift build --configuration release --product stargate-bench
bench=$(swift build --configuration release --show-bin-path)/stargate-bench
case ${1:?drain, restart, faults or short} in
drain) exec Scripts/drain.py --bench "$bench" ;;
restart) exec Scripts/restart.py --bench "$bench" ;;
faults) exec Tests/Faults/run.py --bench "$bench" --seeds "${SEEDS:-100}" ;;
short)
    Scripts/drain.py --bench "$bench" --clients 1000
    Scripts/restart.py --bench "$bench" --restarts 2 --rate 200 --pause 1
    Tests/Faults/run.py --bench "$bench" --seeds 8 --torture 12 --allocations 8
    "$bench" soak --duration 10s --connections 300 --topics 5 --rate 500 --quiet
    ;;
*) echo "lifecycle.sh: drain, restart, faults or short" >&2; exit 2 ;;
esac
