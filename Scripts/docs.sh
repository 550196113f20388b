#!/usr/bin/env bash
# Builds StargateCore's documentation with the toolchain's own tools, into docs-out/.
# Warnings (a link that leads nowhere, say) are errors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
graphs=.build/symbol-graphs
rm -rf "$graphs" docs-out
mkdir -p "$graphs"

swift build --target StargateCore
modules=$(swift build --show-bin-path)/Modules
read -ra flags <<<"$(pkg-config --cflags libuv openssl zlib)"
for map in Sources/C*/module.modulemap; do
    flags+=(-Xcc "-fmodule-map-file=$map")
done
swift symbolgraph-extract -module-name StargateCore -I "$modules" "${flags[@]}" \
    -target "$(swiftc -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p')" \
    -minimum-access-level public -skip-inherited-docs -output-dir "$graphs"
docc convert Sources/StargateCore/StargateCore.docc \
    --additional-symbol-graph-dir "$graphs" --warnings-as-errors \
    --fallback-display-name StargateCore --fallback-bundle-identifier stargate.StargateCore \
    --output-dir docs-out
echo "docs: docs-out (docc preview, or any web server, shows them)"
