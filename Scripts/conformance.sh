#!/usr/bin/env bash
# Holds the server and the client against the test suites of others, and against the suite for the
# drafts before RFC 6455 that this repository has.
#
#   conformance.sh [PART...]      some of: server tls client client-tls drafts interop; or all
#   conformance.sh quick          what fits into a check of every change
#
# server      Autobahn's fuzzing client against `stargate-bench serve`
# tls         the same as server, over wss://
# client      Autobahn's fuzzing server, which the example echo-client talks to
# client-tls  the same as client, over wss://: HAProxy stands before the fuzzing server
# drafts      Tests/Conformance against `stargate-bench serve --protocols all`
# interop     Tests/Interop: clients and servers of others in every draft they speak
#
# AUTOBAHN is a folder with two programs that run the suite, `autobahn.sh` for a server and
# `autobahn-client.sh` for a client; without the variable a copy beside this repository is used if
# there is one, and otherwise the first four parts are left out, which the table at the end says.
# CASES chooses among Autobahn's cases. The full run takes three quarters of an hour.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
autobahn=${AUTOBAHN:-../shared/tools/autobahn}
out=.build/conformance
mkdir -p "$out"

# Twenty cases of compression, a few of every kind.
some_deflate=12.1.1,12.1.6,12.1.11,12.1.18,12.2.3,12.2.10,12.3.5,12.3.12,12.4.2,12.4.15,12.5.7
some_deflate+=,12.5.17,13.1.1,13.2.4,13.3.6,13.4.2,13.5.8,13.6.3,13.7.1,13.7.14
quick=
[ "${1:-}" = quick ] && { quick=yes; set -- server tls drafts interop; }
[ $# -gt 0 ] || set -- server tls client client-tls drafts interop

swift build --configuration release --product stargate-bench
BENCH=$(swift build --configuration release --show-bin-path)/stargate-bench
export BENCH
source Scripts/server.sh
status=0
results=()

# note PART LOG: keeps the line of the log that sums it up.
note() {
    results+=("$1|$(grep -E '^[0-9]+ (cases|passed)' "$2" | tail -n 1)")
}

has_autobahn() {
    [ -x "$autobahn/autobahn.sh" ] && return
    echo "conformance: no Autobahn in '$autobahn', so $1 is left out; AUTOBAHN names its folder" >&2
    results+=("Autobahn, $1|left out")
    return 1
}

# Makes a certificate for two days, for the name localhost and for an address.
certificate() { # certificate FOLDER ADDRESS
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=localhost -addext "subjectAltName=DNS:localhost,IP:$2" \
        -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
}

server() {
    has_autobahn server || return 0
    local cases=${CASES:-all}
    [ -n "$quick" ] && cases=core,limits,$some_deflate
    # Case 9 sends messages of 16 MiB.
    start_server "$BENCH" serve --port 0 --loops 1 --max-message-size $((32 << 20)) \
        --deflate dedicated
    "$autobahn/autobahn.sh" "$server_url" "$cases" --require-deflate --agent stargate \
        --out "$out/server" </dev/null | tee "$out/server.log" || status=1
    stop_server
    note "Autobahn against the server" "$out/server.log"
}

tls() {
    has_autobahn tls || return 0
    local cases=${CASES:-all} folder
    [ -n "$quick" ] && cases=1.1.6,1.2.6,2.6,4.1.3,5.15,6.2.4,7.1.1,7.7.1,9.1.2,9.2.2,10.1.1,12.1.6
    folder=$(mktemp -d)
    certificate "$folder" 127.0.0.1
    start_server "$BENCH" serve --port 0 --loops 1 --max-message-size $((32 << 20)) \
        --deflate dedicated --tls-cert "$folder/cert.pem" --tls-key "$folder/key.pem"
    rm -r "$folder"
    "$autobahn/autobahn.sh" "${server_url/ws:/wss:}" "$cases" --require-deflate --agent stargate \
        --out "$out/tls" </dev/null | tee "$out/tls.log" || status=1
    stop_server
    note "Autobahn against the server, over TLS" "$out/tls.log"
}

client() {
    has_autobahn client || return 0
    swift build --package-path Examples --configuration release --product echo-client
    local bin
    bin=$(swift build --package-path Examples --configuration release --show-bin-path)
    "$autobahn/autobahn-client.sh" --each --cases "${CASES:-all}" --require-deflate \
        --agent stargate --out "$out/client" -- "$bin/echo-client" '{url}' </dev/null |
        tee "$out/client.log" || status=1
    note "Autobahn against the client" "$out/client.log"
}

# The suite compares the port in the Host field with its own, so HAProxy listens on the same port of
# another loopback address.
client-tls() {
    has_autobahn client-tls || return 0
    PATH=$PATH:/usr/sbin
    if ! command -v haproxy >/dev/null; then
        echo "conformance: there is no haproxy, so client-tls is left out" >&2
        results+=("Autobahn, client-tls|left out")
        return 0
    fi
    swift build --package-path Examples --configuration release --product echo-client
    local bin folder port proxy
    bin=$(swift build --package-path Examples --configuration release --show-bin-path)
    folder=$(mktemp -d)
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.2", 0))
print(s.getsockname()[1])')
    certificate "$folder" 127.0.0.2
    cat "$folder/cert.pem" "$folder/key.pem" >"$folder/both.pem"
    cat >"$folder/haproxy.cfg" <<END
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen suite
    bind 127.0.0.2:$port ssl crt $folder/both.pem
    server one 127.0.0.1:$port
END
    haproxy -db -f "$folder/haproxy.cfg" </dev/null >/dev/null 2>&1 &
    proxy=$!
    # shellcheck disable=SC2016
    SSL_CERT_FILE=$folder/cert.pem "$autobahn/autobahn-client.sh" --each --port "$port" \
        --cases "${CASES:-all}" --require-deflate --agent stargate --out "$out/client-tls" -- \
        bash -c 'exec "$0" "wss://127.0.0.2${1#ws://127.0.0.1}"' "$bin/echo-client" '{url}' \
        </dev/null | tee "$out/client-tls.log" || status=1
    kill "$proxy"
    wait "$proxy" || true
    rm -r "$folder"
    note "Autobahn against the client, over TLS" "$out/client-tls.log"
}

drafts() {
    start_server "$BENCH" serve --port 0 --loops 1 --protocols all --max-message-size $((1 << 20))
    python3 Tests/Conformance/run.py "$server_url/" --require h75,h76,v7,v8 --any-path \
        --max-message $((1 << 20)) --handshake-timeout 10 --json "$out/drafts.json" \
        --html "$out/drafts.html" | tee "$out/drafts.log" || status=1
    stop_server
    note "Draft suite, Tests/Conformance" "$out/drafts.log"
}

interop() {
    local subsets=()
    [ -n "$quick" ] && subsets=(ruby perl)
    Tests/Interop/run.sh "${subsets[@]}" | tee "$out/interop.log" || status=1
    note "Clients and servers of others, Tests/Interop" "$out/interop.log"
}

for part in "$@"; do
    case $part in
    server | tls | client | client-tls | drafts | interop) "$part" ;;
    *) echo "conformance: there is no part '$part'" >&2 && exit 2 ;;
    esac
done

{
    echo "| suite | result |"
    echo "| --- | --- |"
    for result in "${results[@]}"; do echo "| ${result%%|*} | ${result#*|} |"; done
} | tee "$out/results.md"
exit "$status"
