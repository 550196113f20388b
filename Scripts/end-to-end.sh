#!/usr/bin/env bash
# Tests the built programs over real sockets, with clients that others wrote.
#
#   end-to-end.sh [--only websockets,node,handshake,framing,lifecycle,demo,browser]
#
# CONFIGURATION=debug|release (default release) chooses the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
configuration=${CONFIGURATION:-release}

swift build --configuration "$configuration" --product stargate-bench
swift build --package-path Examples --configuration "$configuration" --product demo
bench=$(swift build --configuration "$configuration" --show-bin-path)/stargate-bench
demo=$(swift build --package-path Examples --configuration "$configuration" --show-bin-path)/demo
exec .build/test-clients/bin/python -B Tests/EndToEnd/run.py --bench "$bench" --demo "$demo" "$@"
