#!/usr/bin/env bash
# Checks what needs no compiler: the format, and the house rules that a machine can see.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failed=0
complain() {
    echo "lint: $*" >&2
    failed=1
}

Scripts/swift-files.sh | xargs -0 swift format lint --strict --parallel || failed=1

# A file fits into a head. 450 lines is the limit for all sources.
while IFS= read -r -d '' file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 450 ] || complain "$file has $lines lines, 450 are the limit"
done < <(
    Scripts/swift-files.sh
    find Scripts Tests/EndToEnd Tests/Attacks -type f -not -path '*/__pycache__/*' -print0
)

# The engine brings nothing along.
foreign=$(grep -rnE '^[a-z@ ]*import ' Sources/StargateCore --include='*.swift' \
    | grep -vE 'import (Swift|Synchronization|CUV|COpenSSL|CZlib|CDeflate|CVector|Glibc|Musl|Darwin)$' || true)
[ -z "$foreign" ] || complain "StargateCore imports more than it may:" $'\n'"$foreign"

# The thread sanitizer sees one kind of lock only.
locks=$(grep -rnw 'Mutex' Sources Tests --include='*.swift' | grep -v '/Lock.swift:' || true)
[ -z "$locks" ] || complain "a Mutex that is no Lock:" $'\n'"$locks"

# Two changes that are merged may each have taken the next free bit.
shared=$(grep -rnoE 'static let [A-Za-z]+ = [A-Za-z]+\(rawValue: 1 << [0-9]+\)' Sources --include='*.swift' \
    | sed -E 's/:[0-9]+:static let [A-Za-z]+ = / /' | sort | uniq -d)
[ -z "$shared" ] || complain "two flags with one bit:" $'\n'"$shared"

# Wire data meets some rooms first: nothing in them may trap.
Scripts/trap-gate.py --self-test && Scripts/trap-gate.py || failed=1

# Every row of the list of threats names tests that exist.
Scripts/threat-table.py || failed=1

# The README shows the program that is built.
if [ -f Examples/Sources/echo/main.swift ]; then
    shown=$(awk '/^```swift$/ { on = 1; next } /^```$/ { if (on) exit } on' README.md)
    [ "$shown" = "$(cat Examples/Sources/echo/main.swift)" ] \
        || complain "the first Swift example of README.md is not Examples/Sources/echo/main.swift"
fi

notes=$(grep -rnwE 'TODO|FIXME|XXX' Sources Tests Examples Scripts Makefile \
    --include='*' --exclude-dir='.build*' --exclude=lint.sh || true)
[ -z "$notes" ] || complain "a note that belongs into an issue:" $'\n'"$notes"

Scripts/fuzz-seeds.py --check || failed=1

for script in Scripts/*.sh .ci/run; do
    bash -n "$script" || failed=1
    [ -x "$script" ] || ! head -n1 "$script" | grep -q "^#!" \
        || complain "$script is not executable"
done
[ "$failed" -eq 0 ] && echo "lint: clean"
exit "$failed"
