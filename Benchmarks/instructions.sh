#!/usr/bin/env bash
# User-space instructions for each message, by callgrind: the same load at two lengths, subtracted,
# so that starting up and connecting cancel out. No other program's noise is in these figures.
#
#   instructions.sh [NAME...]     after build.sh; without names, the servers that valgrind can run
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(stargate uwebsockets floor-epoll floor-libuv libwebsockets beast websocketpp)
bench=$PWD/.build/bin/stargate-bench
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# total NAME COUNT MODE...: all instructions of a server that gets so many messages.
total() {
    local name=$1 count=$2 port command
    shift 2
    port=$(free_port)
    command=$(sed -n "s/^$name = //p" .build/servers | sed -E 's/ *\{(tls|deflate|broadcast):[^}]*\}//g')
    [ -n "$command" ] || { echo "$name is not built" >&2; return 1; }
    command=${command//\{port\}/$port}
    # valgrind 3.19 cannot read the debug information of Swift's compiler.
    local program=${command%% *}
    strip -g -o "$work/${program##*/}" "$program"
    # shellcheck disable=SC2086 # the words of the command are words
    valgrind --tool=callgrind --callgrind-out-file="$work/out" \
        "$work/${program##*/}" ${command#* } >"$work/log" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
        sleep 0.1
    done
    "$bench" "$@" -n "$count" --timeout 60s --quiet "ws://127.0.0.1:$port/" >"$work/client" ||
        { cat "$work/client" >&2; return 1; }
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
    sed -n 's/^.*Collected : //p' "$work/log" | tail -n1
}

# row TITLE SHORT LONG MODE...
row() {
    local title=$1 short=$2 long=$3 name low high
    shift 3
    printf '%-24s' "$title"
    for name in "${names[@]}"; do
        if low=$(total "$name" "$short" "$@") && high=$(total "$name" "$long" "$@") &&
            [ -n "$low" ] && [ -n "$high" ]; then
            printf '%15d' $(((high - low) / (long - short)))
        else
            printf '%15s' -
        fi
    done
    echo
}

printf '%-24s' 'instructions a message'
printf '%15s' "${names[@]}"
echo
row '20 B, one in flight' 2000 12000 echo -s 20 -c 20
row '20 B, 16 in flight' 16000 96000 echo -s 20 -c 20 -p 16
row '20 B, 256 in flight' 25600 153600 echo -s 20 -c 10 -p 256
row '1 KiB, 16 in flight' 16000 64000 echo -s 1k -c 20 -p 16
row '16 KiB' 1000 4000 echo -s 16k -c 20
row '64 KiB' 300 1200 echo -s 64k -c 10
row 'text, 1 KiB ASCII x16' 16000 64000 echo -s 1k -c 20 -p 16 --text ascii
row 'text, 1 KiB mixed x16' 16000 64000 echo -s 1k -c 20 -p 16 --text mixed
row 'handshake' 500 2500 handshake -c 16
