#!/usr/bin/env bash
# What one user feels of the others: the round trip of a bystander with 200 messages a second, alone,
# while one peer sends as fast as it can, and while thousands go at the same moment.
#
#   stalls.sh [NAME...]       after build.sh; without names, stargate and uwebsockets
#   LEAVING=15000             how many go at the same moment
#
# Latencies count from when a message was due. The server has a core of its own; all clients share
# the others, so a little of what the bystander waits for is its own neighbours' work.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(stargate uwebsockets)
bench=$PWD/.build/bin/stargate-bench
leaving=${LEAVING:-15000}
work=$(mktemp -d)
pids=()
stop() {
    [ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
    for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" 2>/dev/null || true; done
    pids=()
}
trap 'stop; rm -rf "$work"' EXIT
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" = unlimited ] || [ "$(ulimit -n)" -gt $((leaving + 100)) ] ||
    leaving=$(($(ulimit -n) - 100))
(($(nproc) > 1)) && server_cores=(taskset -c 0) client_cores=(taskset -c "1-$(($(nproc) - 1))") ||
    server_cores=() client_cores=()

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start() { # start NAME: sets url
    local port words
    port=$(free_port)
    read -ra words < <(sed -n "s/^$1 = //p" .build/servers |
        sed -E "s/ *\{(tls|deflate|dedicated|broadcast):[^}]*\}//g; s/\{port\}/$port/")
    [ ${#words[@]} -gt 0 ] || { echo "$1 is not built" >&2; exit 1; }
    env "${server_cores[@]}" "${words[@]}" >"$work/server" 2>&1 &
    pids+=($!)
    for _ in $(seq 100); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
        sleep 0.1
    done
    url=ws://127.0.0.1:$port/
}

client() { "${client_cores[@]}" "$bench" "$@" --quiet "$url"; }

bystander() { # bystander NAME WHAT
    client echo -c 1 -R 200 -d 5s --warmup 0 --timeout 20s --json "$work/run" >/dev/null || true
    python3 - "$work/run" "$1" "$2" <<'END_OF_PYTHON'
import json
import sys

path, name, what = sys.argv[1:]
report = json.load(open(path))
times = next((one for one in report["latency"] if one["name"] == "round_trip"), None)
if times is None:
    figures = "nothing came back"
else:
    figures = "  ".join(f"{key} {times[key + '_ns'] / 1e6:8.2f} ms" for key in ("p50", "p99", "max"))
print(f"{name:20} {what:34} {figures}")
END_OF_PYTHON
}

for name in "${names[@]}"; do
    start "$name"
    bystander "$name" 'alone'
    client echo -c 1 -p 512 -s 16k -d 8s --warmup 0 --check off >/dev/null 2>&1 &
    pids+=($!)
    sleep 1
    bystander "$name" 'while one sends as fast as it can'
    stop
    start "$name"
    "${client_cores[@]}" "$bench" idle -c "$leaving" -d 60s --quiet "$url" >/dev/null 2>&1 &
    crowd=$!
    pids+=("$crowd")
    for _ in $(seq 300); do
        [ "$(find "/proc/$crowd/fd" 2>/dev/null | wc -l)" -le "$leaving" ] || break
        sleep 0.1
    done
    disown "$crowd"
    { sleep 2 && kill -9 "$crowd"; } 2>/dev/null &
    bystander "$name" "while $leaving go at once"
    stop
done
