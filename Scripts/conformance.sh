#!/usr/bin/env bash
# Runs the Autobahn test suite against `stargate-bench serve`.
#
#   conformance.sh [CASES]           default: core,limits (cases 1 to 7, 9 and 10)
#
# AUTOBAHN is a program that is called with a server's address and the cases, runs the suite's
# fuzzing client and exits with 0 when no case failed. Without the variable, a copy beside this
# repository is used if there is one. Exit status 77: there is none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cases=${1:-core,limits}
autobahn=${AUTOBAHN:-../shared/tools/autobahn/autobahn.sh}

if [ ! -x "$autobahn" ]; then
    echo "conformance: no Autobahn runner at '$autobahn'; set AUTOBAHN to one" >&2
    exit 77
fi

swift build --configuration release --product stargate-bench
bench=$(swift build --configuration release --show-bin-path)/stargate-bench
source Scripts/server.sh
# Case 9 sends messages of 16 MiB.
start_server "$bench" serve --port 0 --max-message-size $((32 * 1024 * 1024))
status=0
"$autobahn" "$server_url" "$cases" --agent stargate --out .build/autobahn </dev/null || status=$?
stop_server
exit "$status"
