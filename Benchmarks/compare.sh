#!/usr/bin/env bash
# Builds the servers of the comparison, checks them, measures them in turns, and writes the report:
# Benchmarks/.build/report/ gets comparison.md, .html, .svg and .json.
#
#   compare.sh [OPTION...]    options of `stargate-bench compare`, after ours
#   QUICK=1 compare.sh        three pairs and few workloads: minutes instead of hours
#   UWEBSOCKETS=FOLDER ...    also uWebSockets over epoll, from a checkout of its sources
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
./build.sh
report=.build/report
mkdir -p "$report"
thoroughness=(--pairs 12 --duration 700ms)
if [ -n "${QUICK:-}" ]; then
    thoroughness=(--pairs 3 --duration 300ms
        --workload echo-20 --workload x32 --workload text-mixed --workload handshake)
fi
.build/bin/stargate-bench compare --servers .build/servers --base uwebsockets \
    "${thoroughness[@]}" --md "$report/comparison.md" --html "$report/comparison.html" \
    --svg "$report/comparison.svg" --json "$report/comparison.json" "$@"
echo "written: Benchmarks/$report/comparison.{md,html,svg,json}"
