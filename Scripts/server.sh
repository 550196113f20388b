# Sourced by scripts that need a server: starts one on a port of the kernel's choice, and stops
# exactly that one.
#
#   start_server COMMAND...    sets server_pid and server_url (ws://HOST:PORT)
#   stop_server                SIGTERM, waits, and fails when the exit status is not 0

server_pid=
server_output=

start_server() {
    server_output=$(mktemp)
    "$@" </dev/null >"$server_output" &
    server_pid=$!
    trap 'stop_server || true' EXIT
    for _ in $(seq 300); do
        server_url=$(sed -n 's|^.*listening on [a-z]*://\([^/ ]*\).*$|ws://\1|p' "$server_output")
        [ -n "$server_url" ] && return 0
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "the server did not say where it listens: $*" >&2
    return 1
}

stop_server() {
    [ -n "$server_pid" ] || return 0
    local status=0
    kill -TERM "$server_pid" 2>/dev/null || true
    wait "$server_pid" || status=$?
    server_pid=
    rm -f "$server_output"
    trap - EXIT
    [ "$status" -eq 0 ] || echo "the server ended with status $status" >&2
    return "$status"
}
