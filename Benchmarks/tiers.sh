#!/usr/bin/env bash
# What the structured tier costs beside the callback tier: the same echo of the same program, written
# in both ways. First instructions a message, then CPU time with ratios.
#
#   tiers.sh                     echoes of 20 B, one in flight and 16: minutes
#   tiers.sh --workload echo-16k what else `stargate-bench compare` can do
#   PAIRS=24 ...                 for smaller differences than 3 %
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
wanted=(--workload echo-20 --workload x16)
[[ " $* " != *" --workload "* ]] || wanted=()
./build.sh stargate
bench=$PWD/.build/bin/stargate-bench
for tier in callback structured; do
    echo "$tier = $bench serve --loops 1 --port {port} --tier $tier"
done >.build/servers
ROWS='echo-20 x16 1k-x16 text-ascii' ./instructions.sh callback structured
"$bench" compare --servers .build/servers --base callback --control --pairs "${PAIRS:-12}" \
    --duration 500ms ${wanted[@]+"${wanted[@]}"} "$@"
