#!/usr/bin/env bash
# User-space instructions for each message, by callgrind: the same load at two lengths, subtracted,
# so that starting up and connecting cancel out. No other program's noise is in these figures.
#
#   instructions.sh [NAME...]     after build.sh; without names, all servers that valgrind can run
#   instructions.sh --gate        stargate alone; fails if a row is above its limit, which stands
#                                 behind its title: a tenth above what was measured on a processor
#                                 with AVX2; - for none
#   ROWS='echo-20 x16' ...        some of the rows
#   TSV=FILE ...                  also writes the table there, for `stargate-bench compare
#                                 --instructions FILE`
#
# Not here: Go's servers, whose runtime valgrind does not support, and Node, whose code changes while
# it runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
gate=
[ "${1:-}" != --gate ] || { gate=1; shift; set -- stargate; }
bench=$PWD/.build/bin/stargate-bench
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    mapfile -t names < <(sed -n 's/^\([^ ]*\) = .*/\1/p' .build/servers | grep -vxE 'gorilla|nhooyr|ws')
fi

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# command_of NAME FEATURE PORT: the server's command; nothing if it lacks the feature.
command_of() {
    local line
    line=$(sed -n "s/^$1 = //p" .build/servers)
    if [ "$2" != - ]; then
        case $line in *"{$2:"*) ;; *) return 0 ;; esac
        line=$(sed -E "s/\{$2:([^}]*)\}/\1/" <<<"$line")
    fi
    sed -E "s/ *\{(tls|deflate|dedicated|broadcast):[^}]*\}//g; s/\{port\}/$3/" <<<"$line"
}

# total NAME FEATURE COUNT MODE...: all instructions of a server that gets so many messages.
total() {
    local name=$1 feature=$2 count=$3 port scheme=ws path=/
    shift 3
    port=$(free_port)
    local words variables=()
    read -ra words <<<"$(command_of "$name" "$feature" "$port")"
    [ ${#words[@]} -gt 0 ] || return 1
    while [[ ${words[0]} == *=* ]]; do
        variables+=("${words[0]}")
        words=("${words[@]:1}")
    done
    # valgrind 3.19 cannot read the debug information of Swift's compiler.
    if [[ ${words[0]} == "$PWD"/.build/bin/* ]]; then
        strip -g -o "$work/${words[0]##*/}" "${words[0]}"
        words[0]=$work/${words[0]##*/}
    fi
    [ "$feature" != tls ] || scheme=wss
    [ "$feature" != broadcast ] || path=/broadcast
    env ${variables[@]+"${variables[@]}"} valgrind --tool=callgrind \
        --callgrind-out-file=/dev/null "${words[@]}" >"$work/log" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
        sleep 0.1
    done
    local status=0
    "$bench" "$@" -n "$count" --timeout 60s --quiet "$scheme://127.0.0.1:$port$path" \
        >"$work/client" || status=$?
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
    [ $status = 0 ] || { echo "$name: $(grep -m1 -i error "$work/client" || echo failed)" >&2; return 1; }
    sed -n 's/^.*Collected : //p' "$work/log" | tail -n1
}

table=()
# row NAME TITLE LIMIT FEATURE SHORT LONG MODE...
row() {
    local row=$1 title=$2 limit=$3 feature=$4 short=$5 long=$6 name low high count line
    shift 6
    [[ -z "${ROWS:-}" || " $ROWS " == *" $row "* ]] || return 0
    printf '%-28s' "$title"
    line=$title
    for name in "${names[@]}"; do
        local few=$short many=$long
        # What takes thousands of them needs no more than hundreds of messages to tell.
        case $name in nio | flyingfox | picows | websockets | aiohttp)
            few=$((few / 8)) many=$((many / 8)) ;;
        esac
        count=-
        if low=$(total "$name" "$feature" "$few" "$@") && high=$(total "$name" "$feature" "$many" "$@") &&
            [ -n "$low" ] && [ -n "$high" ]; then
            count=$(((high - low) / (many - few)))
            [ -z "$gate" ] || [ "$limit" = - ] || [ "$count" -le "$limit" ] ||
                failed="$failed, $title: $count, $limit is the limit"
        else
            [ -z "$gate" ] || failed="$failed, $title: not measured"
        fi
        printf '%15s' "$count"
        line+=$'\t'$count
    done
    echo
    table+=("$line")
}

failed=
printf '%-28s' 'instructions a message'
printf '%15s' "${names[@]}"
echo
row echo-20 '20 B, one in flight' 330 - 4000 24000 echo -s 20 -c 200
row x16 '20 B, 16 in flight' 146 - 16000 96000 echo -s 20 -c 20 -p 16
row x256 '20 B, 256 in flight' 128 - 25600 153600 echo -s 20 -c 10 -p 256
row 1k-x16 '1 KiB, 16 in flight' 500 - 16000 64000 echo -s 1k -c 20 -p 16
row echo-16k '16 KiB' 3000 - 1000 4000 echo -s 16k -c 20
row echo-64k '64 KiB' 9100 - 400 1200 echo -s 64k -c 10
row text-ascii 'text, 1 KiB ASCII x16' 610 - 16000 64000 echo -s 1k -c 20 -p 16 --text ascii
row text-mixed 'text, 1 KiB mixed x16' 1700 - 16000 64000 echo -s 1k -c 20 -p 16 --text mixed
row handshake 'handshake' 10300 - 480 2400 handshake -c 16
row broadcast-200 'a broadcast to 200' - broadcast 160 800 broadcast -c 200 -s 64
row broadcast-200-x16 '16 broadcasts to 200' - broadcast 160 800 broadcast -c 200 -s 64 -p 16
row tls-20 'TLS, 20 B' 14900 tls 800 4000 echo -s 20 -c 20 --insecure --tlsv1.3
row tls-16k 'TLS, 16 KiB' - tls 400 1600 echo -s 16k -c 20 --insecure --tlsv1.3
row deflate 'deflate, 1 KiB JSON' - deflate 800 3200 echo -s 1k -c 20 --text json --deflate shared
row deflate-dedicated 'deflate, dedicated' - dedicated 800 3200 \
    echo -s 1k -c 20 --text json --deflate dedicated
if [ -n "${TSV:-}" ] && [ ${#table[@]} -gt 0 ]; then
    {
        printf 'workload'
        printf '\t%s' "${names[@]}"
        echo
        printf '%s\n' "${table[@]}"
    } >"$TSV"
fi
[ -z "$failed" ] || { echo "above the limit: ${failed#, }" >&2; exit 1; }
