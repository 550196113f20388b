# What run.sh is made of: counting, installing, and servers that are stopped again.

passed=0
failed=0
server_pid=
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

pass() {
    passed=$((passed + 1))
    echo "ok      $1"
}

fail() {
    failed=$((failed + 1))
    echo "FAILED  $1"
}

# Counts the "ok ..." and "not ok ..." lines of a client. Anything else that it says goes to the
# screen, and a client that reports nothing has failed.
report() {
    local name=$1 line count=0
    while IFS= read -r line; do
        case $line in
            "ok "*) pass "$name: ${line#ok }" ;;
            "not ok "*) fail "$name: ${line#not ok }" ;;
            *) echo "        $line"; continue ;;
        esac
        count=$((count + 1))
    done
    [ "$count" -gt 0 ] || fail "$name: the client reported nothing"
}

# Installs the Debian package unless it is there.
need_package() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q ' installed$' && return
    echo "installing $1"
    if [ -z "${updated:-}" ]; then
        apt-get update -qq >/dev/null || return 1
        updated=yes
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

# The same, judged by whether a command is there.
need() {
    command -v "$1" >/dev/null || need_package "$2"
}

# Starts a server on a port that the kernel chooses and sets `url` when it says where it listens.
# The first word may be several, as SERVE is.
start_server() {
    local command=$1 line
    shift
    # Emptied by stop_server as well; here for a server that was not stopped.
    stop_server
    : >"$work/server.log"
    $command "$@" >"$work/server.log" 2>"$work/server.errors" </dev/null &
    server_pid=$!
    for _ in {1..100}; do
        line=$(grep -m 1 '^listening on ' "$work/server.log") && break
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.1
    done
    if [ -z "$line" ]; then
        sed 's/^/        /' "$work/server.errors"
        stop_server
        return 1
    fi
    line=${line#listening on }
    case $line in
        ws://*) url=${line%/}/ ;;
        *) url=ws://127.0.0.1:$line/ ;;
    esac
}

stop_server() {
    [ -n "$server_pid" ] || return 0
    kill "$server_pid" 2>/dev/null
    wait "$server_pid" 2>/dev/null
    server_pid=
}

# Sets SERVE and CLIENT.
find_programs() {
    local root
    root=$(cd ../.. && pwd)
    if [ -z "${BENCH:-}" ]; then
        BENCH=$(ls -t "$root"/.build/{release,debug}/stargate-bench 2>/dev/null | head -n 1)
    fi
    SERVE=${SERVE:-${BENCH:+$BENCH serve}}
    CLIENT=${CLIENT:-${BENCH:+$BENCH echo}}
    if [ -z "$SERVE" ] || [ -z "$CLIENT" ]; then
        echo "stargate-bench is not built: swift build --product stargate-bench" >&2
        exit 2
    fi
}
