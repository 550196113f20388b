#!/bin/bash
# Lets Stargate talk to programs that other people wrote, in every draft that they speak.
#
#     Tests/Interop/run.sh                     everything
#     Tests/Interop/run.sh ruby perl           some of: ruby perl node netty servers
#
# BENCH   the stargate-bench to use (default: the newest one under .build)
# SERVE   what starts our echo server (default: "$BENCH serve"); it is given --port and --protocols
# CLIENT  what starts our client (default: "$BENCH echo"); it is given a URL and options
#
# A line is printed for every check, and at last "N passed, M failed". Peers come from Debian; what
# is missing is installed with apt-get, which needs root.
set -u
cd "$(dirname "$0")"
source ./lib.sh
# Where Debian puts modules; a node from elsewhere does not look there.
export NODE_PATH=/usr/share/nodejs:/usr/lib/nodejs

clients_of() {
    case $1 in
        ruby) echo 75 76 7 8 13 ;;
        perl) echo 75 00 10 17 ;;
        node) echo 8 13 ;;
        netty) echo 00 07 08 13 ;;
    esac
}

# Starts one of the foreign clients. Arguments: its name, URL, draft, echo or refused.
run_client() {
    case $1 in
        ruby) ruby clients/ruby_client.rb "$2" "$3" "$4" ;;
        perl) perl clients/perl_client.pl "$2" "$3" "$4" ;;
        node) node clients/node_client.js "$2" "$3" "$4" ;;
        netty) java -cp "$work:$netty_jars" NettyClient "$2" "$3" "$4" ;;
    esac
}

prepare() {
    case $1 in
        ruby) need ruby ruby && need_package ruby-websocket ;;
        perl) need perl perl && need_package libprotocol-websocket-perl ;;
        node) need node nodejs && need_package node-ws ;;
        netty)
            need javac default-jdk-headless && need_package libnetty-java || return 1
            netty_jars=$(printf '%s:' /usr/share/java/netty-{buffer,codec,codec-http,common}.jar \
                /usr/share/java/netty-{handler,resolver,transport}.jar)
            javac -cp "$netty_jars" -d "$work" clients/NettyClient.java ;;
        servers) need ruby ruby && need_package ruby-websocket-driver &&
            need_package ruby-eventmachine && need_package ruby-em-websocket &&
            need node nodejs && need_package node-ws && need_package python3-tornado ;;
    esac
}

start_ours() {
    start_server "$SERVE" --port 0 --protocols "$2" && return
    fail "$1: our server does not start"
    return 1
}

# The foreign clients against our server: an echo in every draft, and a refusal where it is off.
check_client() {
    local name=$1 draft only
    for draft in $(clients_of "$name"); do
        start_ours "$name $draft" all || continue
        report "$name $draft" < <(run_client "$name" "$url" "$draft" echo 2>&1)
        stop_server
        case $draft in
            13 | 17) only=hybi8 ;;
            *) only=rfc6455 ;;
        esac
        start_ours "$name $draft" "$only" || continue
        report "$name $draft, spoken is only $only" \
            < <(run_client "$name" "$url" "$draft" refused 2>&1)
        stop_server
    done
}

# Our client against the foreign servers, in the drafts that each of them speaks.
check_servers() {
    local old="hixie75 hixie76 hybi7 hybi8 rfc6455"
    check_server driver "$old" ruby servers/driver_echo.rb
    check_server em "$old" ruby servers/em_echo.rb
    check_server ws "hybi8 rfc6455" node servers/ws_echo.js
    check_server tornado "hybi7 hybi8 rfc6455" /usr/bin/python3 servers/tornado_echo.py
}

check_server() {
    local server=$1 drafts=$2 draft size
    shift 2
    start_server "$@" || { fail "$server: no server"; return; }
    for draft in $drafts; do
        for size in 20 125 126 65535 65536; do
            our_client "$server $draft, text of $size bytes" "$draft" -s "$size" --text=ascii
        done
        our_client "$server $draft, all of Unicode's lengths" "$draft" -s 512 --text=mixed
        case $draft in
            hixie*) ;;
            *) our_client "$server $draft, binary" "$draft" -s 65536 --binary ;;
        esac
    done
    stop_server
}

# Sends 20 messages over one connection and expects each of them back.
our_client() {
    local name=$1 draft=$2 output
    shift 2
    if output=$(timeout 60 $CLIENT "$url" --protocol "$draft" -c 1 -n 20 -q \
        --origin "${url/ws:/http:}" "$@" 2>&1); then
        pass "$name"
    else
        fail "$name: $(grep -v '^$' <<<"$output" | tail -n 1)"
    fi
}

for subset in "${@:-ruby}"; do
    case $subset in ruby | perl | node | netty | servers) ;; *)
        echo "usage: $0 [ruby] [perl] [node] [netty] [servers]" >&2
        exit 2 ;;
    esac
done
find_programs
for subset in ${@:-ruby perl node netty servers}; do
    if ! prepare "$subset"; then
        fail "$subset: its programs cannot be installed"
    elif [ "$subset" = servers ]; then
        check_servers
    else
        check_client "$subset"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
