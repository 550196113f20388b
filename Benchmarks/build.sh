#!/usr/bin/env bash
# Builds every server of the comparison that can be built here, and writes Benchmarks/.build/servers:
# one line for each, `name = command {port}`, or `name ! why it is missing`.
#
#   build.sh            all of them
#   build.sh NAME...    these, and no line for the others
#
# UWEBSOCKETS=FOLDER names a checkout of uWebSockets, with its uSockets inside, to be built over
# epoll, with OpenSSL and zlib, and compared as well. ARCH=native builds C and C++ for this very machine; the default is what
# valgrind can run.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=$PWD/.build
here=$PWD/servers
mkdir -p "$out/bin"
list=$out/servers.$$
: >"$list"
optimised=(-O3 -march="${ARCH:-x86-64-v3}" -Wall -Wextra -Werror -I"$here")
venv=$out/venv
openssl=(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1)
[ -s "$out/key.pem" ] ||
    "${openssl[@]}" -keyout "$out/key.pem" -out "$out/certificate.pem" 2>"$out/openssl.log"

tls="{tls: --tls $out/certificate.pem $out/key.pem}"
deflate="{deflate: --deflate}"
dedicated="{dedicated: --dedicated}"
broadcast="{broadcast: --broadcast}"
everything="$tls $deflate $dedicated $broadcast"

wanted=("$@")
is_wanted() {
    [ ${#wanted[@]} -eq 0 ] && return 0
    local name
    for name in "${wanted[@]}"; do [ "$name" = "$1" ] && return 0; done
    return 1
}

# server NAME 'COMMAND {port} ...' BUILD-COMMAND...: runs the build, and notes how it went.
server() {
    local name=$1 command=$2
    shift 2
    is_wanted "$name" || return 0
    if "$@" >"$out/$name.log" 2>&1; then
        echo "$name = $command" >>"$list"
        echo "built $name"
    else
        local why
        why=$(grep -m1 -iE 'error|not found|no such|cannot|missing' "$out/$name.log" || tail -n1 "$out/$name.log")
        echo "$name ! it could not be built: ${why:-see $out/$name.log}" >>"$list"
        echo "MISSING $name: $why" >&2
    fi
}

c() { # c NAME LIBRARY...
    local name=$1
    shift
    gcc -std=gnu11 "${optimised[@]}" "$here/$name.c" -o "$out/bin/$name" "$@"
}

cpp() { # cpp NAME FLAG...
    local name=$1
    shift
    g++ -std=c++17 -DNDEBUG "${optimised[@]}" "$here/$name.cpp" -o "$out/bin/$name" "$@" -lpthread
}

go_server() { # go_server NAME
    # Debian's packages are sources in a GOPATH of their own; nothing is downloaded.
    (cd "$here/$1" && GOPATH=/usr/share/gocode GO111MODULE=off GOFLAGS='' GOCACHE=$out/go-cache \
        go build -o "$out/bin/$1" .)
}

python_server() { # python_server MODULE: is it there?
    "$venv/bin/python" -c "import uvloop, $1"
}

node_server() {
    NODE_PATH=/usr/share/nodejs node -e 'require("ws")'
}

swift_server() { # swift_server PRODUCT
    swift build --package-path "$here/swift" --scratch-path "$out/swift" --configuration release \
        --product "$1" && cp "$out/swift/release/$1" "$out/bin/$1"
}

stargate() {
    swift build --package-path .. --configuration release --product stargate-bench &&
        cp ../.build/release/stargate-bench "$out/bin/stargate-bench"
}

uwebsockets() {
    local library
    library=$("$venv/bin/python" - <<'END'
import importlib.util, pathlib
folder = pathlib.Path(importlib.util.find_spec("socketify").origin).parent
print(folder / "libsocketify_linux_amd64.so")
END
    ) || return 1
    gcc -std=gnu11 "${optimised[@]}" "$here/uwebsockets.c" -o "$out/bin/uwebsockets" "$library" \
        -Wl,-rpath,"$(dirname "$library")"
}

uwebsockets_epoll() {
    local objects=$out/uwebsockets-epoll sockets=$UWEBSOCKETS/uSockets/src
    local flags=(-O3 -march="${ARCH:-x86-64-v3}" -flto -DLIBUS_USE_OPENSSL -I"$sockets")
    mkdir -p "$objects"
    (cd "$objects" && gcc "${flags[@]}" -c \
        "$sockets"/*.c "$sockets/eventing/epoll_kqueue.c" "$sockets/crypto/openssl.c") &&
        g++ -std=c++20 "${flags[@]}" -c "$sockets/crypto/sni_tree.cpp" -o "$objects/sni_tree.o" &&
        g++ -std=c++20 "${flags[@]}" -I"$here" -I"$UWEBSOCKETS/src" "$here/uwebsockets-epoll.cpp" \
            "$objects"/*.o -o "$out/bin/uwebsockets-epoll" -lssl -lcrypto -lz
}

# Peers that are silent are pinged after two minutes, as by most of the others.
ours="$out/bin/stargate-bench serve --port {port} --loops 1 --keep-alive 2m"
ours+=" {tls: --tls-cert $out/certificate.pem --tls-key $out/key.pem} {broadcast:}"
server stargate "$ours {deflate: --deflate shared} {dedicated: --deflate dedicated}" stargate
server uwebsockets "$out/bin/uwebsockets {port} $everything" uwebsockets
[ -z "${UWEBSOCKETS:-}" ] ||
    server uwebsockets-epoll "$out/bin/uwebsockets-epoll {port} $everything" uwebsockets_epoll
server floor-epoll "$out/bin/floor-epoll {port}" c floor-epoll -lcrypto
server floor-libuv "$out/bin/floor-libuv {port}" c floor-libuv -luv -lcrypto
# shellcheck disable=SC2046 # the words of pkg-config are words
server libwebsockets "$out/bin/libwebsockets {port} $everything" \
    c libwebsockets $(pkg-config --cflags --libs libwebsockets 2>/dev/null || echo -lwebsockets)
server beast "$out/bin/beast {port} $everything" cpp beast -DWITH_TLS -lssl -lcrypto
server websocketpp "$out/bin/websocketpp {port} $broadcast" cpp websocketpp
server gorilla "$out/bin/gorilla {port} $tls $deflate $broadcast" go_server gorilla
server nhooyr "$out/bin/nhooyr {port} $everything" go_server nhooyr
server ws "NODE_PATH=/usr/share/nodejs node $here/ws.cjs {port} $everything" node_server
for module in picows websockets aiohttp; do
    options=$everything
    [ $module != picows ] || options="$tls $broadcast"
    server $module "$venv/bin/python -B $here/${module}_echo.py {port} $options" python_server $module
done
server nio "$out/bin/nio-echo {port} $tls $broadcast" swift_server nio-echo
server flyingfox "$out/bin/flyingfox-echo {port}" swift_server flyingfox-echo
mv "$list" "$out/servers"
