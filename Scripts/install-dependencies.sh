#!/usr/bin/env bash
# Installs what is missing, and only that.
#
#   install-dependencies.sh          what building needs: libuv, OpenSSL, zlib, libdeflate, pkg-config
#   install-dependencies.sh test     also what testing needs: clients that others wrote
#   install-dependencies.sh compare  also what the comparison needs: servers that others wrote
#
# Root is asked for only when a package is missing. Python packages go into .build, not into the
# system.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
what=${1:-build}

say() { echo "dependencies: $*"; }
has() { command -v "$1" >/dev/null 2>&1; }

if ! has swift; then
    say "no 'swift' in PATH. Stargate needs Swift 6.2 or newer: https://www.swift.org/install/" >&2
    exit 1
fi

packages=()
has pkg-config || packages+=(pkg-config)
library() { # library PKG-CONFIG-NAME DEBIAN-PACKAGE
    { has pkg-config && pkg-config --exists "$1"; } || packages+=("$2")
}
library libuv libuv1-dev
library openssl libssl-dev
library zlib zlib1g-dev
library libdeflate libdeflate-dev

if [ "$what" = test ]; then
    has python3 && python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
    has node || has nodejs || packages+=(nodejs)
    [ -d /usr/share/nodejs/ws ] || packages+=(node-ws)
    has openssl || packages+=(openssl)
    has curl || packages+=(curl)
    has ps || packages+=(procps)
    has haproxy || [ -x /usr/sbin/haproxy ] || packages+=(haproxy)
    has go || packages+=(golang-go)
    [ -d /usr/share/gocode/src/github.com/gorilla/websocket ] ||
        packages+=(golang-github-gorilla-websocket-dev)
    has chromium || has chromium-browser || has google-chrome || packages+=(chromium)
fi

if [ "$what" = compare ]; then
    has python3 && python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
    has node || has nodejs || packages+=(nodejs)
    [ -d /usr/share/nodejs/ws ] || packages+=(node-ws)
    has gcc || packages+=(gcc)
    has g++ || packages+=(g++)
    has go || packages+=(golang)
    has openssl || packages+=(openssl)
    has valgrind || packages+=(valgrind)
    [ -d /usr/share/gocode/src/github.com/gorilla/websocket ] ||
        packages+=(golang-github-gorilla-websocket-dev)
    [ -d /usr/share/gocode/src/nhooyr.io/websocket ] || packages+=(golang-nhooyr-websocket-dev)
    [ -f /usr/include/boost/beast.hpp ] || packages+=(libboost-dev)
    [ -d /usr/include/websocketpp ] || packages+=(libwebsocketpp-dev)
    library libwebsockets libwebsockets-dev
    ls /usr/lib/*/libwebsockets-evlib_uv.so >/dev/null 2>&1 || packages+=(libwebsockets-evlib-uv)
fi

if [ ${#packages[@]} -gt 0 ]; then
    if ! has apt-get; then
        say "this is no Debian. Install the counterparts of: ${packages[*]}" >&2
        exit 1
    fi
    root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! has sudo; then
            say "as root, run: apt-get install ${packages[*]}" >&2
            exit 1
        fi
        root=(sudo)
        say "root is needed to install packages, so sudo may ask for your password"
    fi
    export DEBIAN_FRONTEND=noninteractive
    ${root[@]+"${root[@]}"} apt-get update -qq
    for package in "${packages[@]}"; do
        say "installing $package (apt)"
        ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    done
fi

python_packages() { # python_packages REQUIREMENTS VENV
    cmp -s "$1" "$2/installed" && return
    say "installing $(grep -v '^#' "$1" | paste -sd' ') (pip, into $2)"
    python3 -m venv "$2"
    "$2/bin/python" -m pip install --quiet --disable-pip-version-check -r "$1"
    cp "$1" "$2/installed"
}
if [ "$what" = test ]; then python_packages Tests/EndToEnd/requirements.txt .build/test-clients; fi
if [ "$what" = compare ]; then python_packages Benchmarks/requirements.txt Benchmarks/.build/venv; fi
say "complete"
