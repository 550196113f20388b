#!/usr/bin/env bash
# Attacks a built `stargate-bench serve` in every way of Tests/Attacks, each time a fresh one.
#
#   attacks.sh [--short] [--rows 62,96-106] [--json FILE] [--list]
#
# CONFIGURATION=debug|release (default release) chooses the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
configuration=${CONFIGURATION:-release}
swift build --configuration "$configuration" --product stargate-bench
bench=$(swift build --configuration "$configuration" --show-bin-path)/stargate-bench
exec .build/test-clients/bin/python -B Tests/Attacks/run.py --bench "$bench" "$@"
