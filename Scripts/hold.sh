#!/usr/bin/env bash
# Holds many connections: several server processes on one port, several client processes, many source
# addresses. Both sides count, and the memory of a connection is printed.
#
#   hold.sh PROGRAM [CONNECTIONS [PROCESSES [SECONDS]]]
#
# Status 0 when every connection was open on both sides at the end.
set -euo pipefail
bench=$1
connections=${2:-60000}
processes=${3:-4}
seconds=${4:-10}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT

"$bench" serve --port 0 --procs "$processes" --loops 1 >"$work/server" &
server=$!
for _ in $(seq 200); do
    grep -q listening "$work/server" && break
    sleep 0.1
done
url=$(sed -n 's/^listening on //p' "$work/server")
[ -n "$url" ] || { echo "the server did not start" >&2; exit 1; }

"$bench" idle -c "$connections" --procs "$processes" --source 127.0.0.0/8 -d "${seconds}s" \
    --timeout 60s --json "$work/report" "$url/"
python3 - "$work/report" "$connections" <<'END'
import json, sys

result = json.load(open(sys.argv[1]))["result"]
wanted = int(sys.argv[2])
held, served = result["connections_held"], sum(result["connections_served"] or [])
print(f"{held} connections held by the clients, {served} by the servers, {wanted} wanted")
sys.exit(0 if held == served == wanted else 1)
END
kill "$server"
status=0
wait "$server" || status=$?
server=
[ "$status" -eq 0 ] || echo "the server ended with status $status" >&2
exit "$status"
