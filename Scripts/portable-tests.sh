#!/usr/bin/env bash
# Runs the suites that talk over sockets on the transport for systems without epoll.
#
#   portable-tests.sh [FILTER]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
suites='MessageFlowTests|BackpressureTests|EndingTests|ViolationTests|HTTPOverSocketTests'
suites+='|ProtocolsOverSocketTests|InflatedInPiecesTests|TLSServerTests|StopTests|ReentrancyTests'
# In CI the tests are built already, with other options.
STARGATE_PORTABLE_TRANSPORT=1 exec swift test ${CI:+--skip-build -Xswiftc -warnings-as-errors} \
    --filter "${1:-$suites}"
