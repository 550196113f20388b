#!/usr/bin/env bash
# Tests the built programs over real sockets, with clients that others wrote.
#
#   end-to-end.sh [--only websockets,node,handshake,framing,lifecycle,tls,proxies,activation,demo,
#                         browser,examples]
#
# CONFIGURATION=debug|release (default release) chooses the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
configuration=${CONFIGURATION:-release}

swift build --configuration "$configuration" --product stargate-bench
for program in demo jobs auth rooms ticker worker; do
    swift build --package-path Examples --configuration "$configuration" --product "$program"
done
bench=$(swift build --configuration "$configuration" --show-bin-path)/stargate-bench
examples=$(swift build --package-path Examples --configuration "$configuration" --show-bin-path)
exec .build/test-clients/bin/python -B Tests/EndToEnd/run.py --bench "$bench" --demo "$examples/demo" \
    --examples "$examples" "$@"
