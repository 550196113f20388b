#!/usr/bin/env bash
# Builds the servers of the comparison, checks them, measures them in turns, and writes the report:
# Benchmarks/.build/report/ gets comparison.md, .html, .svg and .json, and instructions.tsv.
#
#   compare.sh [OPTION...]    options of `stargate-bench compare`, after ours
#   QUICK=1 compare.sh        three short pairs instead of twelve, fewer workloads: minutes
#   SERVERS='a b' ...         these servers; the first is what the others are compared with
#   UWEBSOCKETS=FOLDER ...    also uWebSockets over epoll, from a checkout of its sources
#   INSTRUCTIONS=FILE ...     puts the table of an earlier instructions.sh into the report
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
report=.build/report
mkdir -p "$report"
read -ra servers <<<"${SERVERS:-}"
./build.sh ${servers[@]+"${servers[@]}"}

# Counted before anything is timed, because it takes all cores.
instructions=${INSTRUCTIONS:-$report/instructions.tsv}
if [ -z "${INSTRUCTIONS:-}" ]; then
    rows=
    [ -z "${QUICK:-}" ] || rows='echo-20 x16 text-mixed handshake'
    natives=()
    for name in stargate uwebsockets uwebsockets-epoll floor-epoll floor-libuv libwebsockets beast \
        websocketpp nio; do
        if grep -q "^$name = " .build/servers; then natives+=("$name"); fi
    done
    ROWS=$rows TSV=$report/instructions.tsv ./instructions.sh ${natives[@]+"${natives[@]}"} ||
        echo "compare: no instructions were counted" >&2
fi

options=(--base "${servers[0]:-uwebsockets}" --control)
if [ -n "${QUICK:-}" ]; then
    options+=(--pairs 3 --duration 200ms)
    for name in echo-20 x32 echo-16k text-mixed handshake broadcast-200 tls-20 deflate; do
        options+=(--workload "$name")
    done
else
    options+=(--pairs 12 --duration 500ms)
fi
[ ! -s "$instructions" ] || options+=(--instructions "$instructions")
status=0
.build/bin/stargate-bench compare --servers .build/servers "${options[@]}" \
    --md "$report/comparison.md" --html "$report/comparison.html" \
    --svg "$report/comparison.svg" --json "$report/comparison.json" "$@" || status=$?
# 1: a server failed in the middle; the report names it.
[ $status -le 1 ] || exit $status
echo "written: Benchmarks/$report/comparison.{md,html,svg,json}"
exit $status
