#!/usr/bin/env bash
# Builds the documentation of both libraries with the toolchain's own tools, into docs-out/NAME.
# Warnings (a link that leads nowhere, say) are errors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
graphs=.build/symbol-graphs
rm -rf "$graphs" docs-out
mkdir docs-out

swift build --target StargateTesting     # and StargateCore with it
modules=$(swift build --show-bin-path)/Modules
target=$(swiftc -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p')
read -ra flags <<<"$(pkg-config --cflags libuv openssl zlib libdeflate)"
for map in Sources/C*/module.modulemap; do
    flags+=(-Xcc "-fmodule-map-file=$map")
done

for module in StargateCore StargateTesting; do
    mkdir -p "$graphs/$module"
    swift symbolgraph-extract -module-name "$module" -I "$modules" "${flags[@]}" \
        -target "$target" -minimum-access-level public -skip-inherited-docs \
        -output-dir "$graphs/$module"
    docc convert "Sources/$module/$module.docc" \
        --additional-symbol-graph-dir "$graphs/$module" --warnings-as-errors \
        --fallback-display-name "$module" --fallback-bundle-identifier "stargate.$module" \
        --output-dir "docs-out/$module"
    echo "docs: docs-out/$module (docc preview, or any web server, shows them)"
done
