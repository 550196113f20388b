#!/usr/bin/env bash
# The goals of speed: every workload there is, Stargate against uWebSockets and against the floor,
# and the instructions of both. Half an hour; QUICK=1 for minutes.
#
#   goals.sh                  uWebSockets from PyPI's socketify, over libuv
#   UWEBSOCKETS=FOLDER ...    also from a checkout of its sources, over epoll, with the same OpenSSL
#                             and zlib as Stargate's: the fair one for TLS and compression
#   goals.sh --workload x16   some of them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
base=uwebsockets${UWEBSOCKETS:+-epoll}
others=uwebsockets
[ "$base" != uwebsockets ] || others=
wanted=(--workload all)
[[ " $* " != *" --workload "* ]] || wanted=()
thoroughness=(--pairs 12 --duration 500ms)
[ -z "${QUICK:-}" ] || thoroughness=(--pairs 3 --duration 200ms)
report=.build/goals
mkdir -p "$report"
read -ra servers <<<"$base stargate $others floor-epoll"
./build.sh "${servers[@]}"
TSV=$report/instructions.tsv ./instructions.sh "${servers[@]}"
.build/bin/stargate-bench compare --servers .build/servers --base "$base" --control \
    "${thoroughness[@]}" ${wanted[@]+"${wanted[@]}"} --instructions "$report/instructions.tsv" \
    --md "$report/goals.md" --html "$report/goals.html" --svg "$report/goals.svg" \
    --json "$report/goals.json" "$@"
echo "written: Benchmarks/$report/goals.{md,html,svg,json}"
