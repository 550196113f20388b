#!/usr/bin/env python3
"""Finds what could trap in the code that meets the wire, and fails if there is anything.

A trap ends every connection of the process, so one that a peer can reach is a vulnerability. In the
rooms listed below nothing may trap: no forced unwrapping, no `try!` and `as!`, no `fatalError` and
`precondition`, no conversion that narrows without saying what happens to what does not fit, and no
`+ - * <<` that traps on overflow. What is safe for a reason that a machine does not see says so, on
its line or the one above:

    // checked: the scanner has bounded the length

    Scripts/trap-gate.py               check the sources
    Scripts/trap-gate.py --self-test   check that the gate finds what it is for
"""
import glob
import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
ROOMS = [
    "Sources/StargateCore/Framing/*.swift",
    "Sources/StargateCore/Messages/*.swift",
    "Sources/StargateCore/HTTP/*.swift",
    "Sources/StargateCore/Handshake/*.swift",
    "Sources/StargateCore/Transport/ProxyHeader*.swift",
    "Sources/StargateCore/Transport/TLS*.swift",
    "Sources/StargateCore/TLS/*.swift",
    "Sources/StargateCore/Session/Connection+Receive.swift",
    "Sources/StargateCore/Session/Connection+Frames.swift",
    "Sources/StargateCore/Session/Connection+Fragments.swift",
    "Sources/StargateCore/Session/Connection+Control.swift",
    "Sources/StargateCore/Session/Connection+Deflate.swift",
    "Sources/StargateCore/Session/Connection+Hixie.swift",
    "Sources/StargateCore/Session/Inbound.swift",
]

INTEGER = r"(?:U?Int(?:8|16|32|64|128)?|uInt|uLong|size_t|CInt|CUnsignedInt)"
LABELS = r"(?:truncatingIfNeeded|clamping|exactly|ascii|bitPattern|bigEndian|littleEndian|repeating)"
# Widening that shows on its face: a byte, a subscript of bytes, a count, a constant of the type.
WIDENING = re.compile(
    r"^(?:unsafe )?(?:[\w.]*(?:[bB]yte|digit)(?: & \w+)?|[\w.]+\[[^\]]*\](?: & \w+)?|"
    r"(?:[\w.]+\.)?(?:start|count|end)|[\w.]+\.max|MemoryLayout<\w+>\.size|\d\w*)$")
POINTER = re.compile(
    r"unsafe (?:\(?(?:base|start|cursor|source|target|destination|payload|end|front|\$0|unsafe )+\)?)"
    r"(?: &?[+-] |$)")
OPERATOR = re.compile(r"(?<![&<>=+*/\-.|^~!%])(<<=|\+=|-=|\*=|<<|\+|-|\*)(?![>=&+\-*/.])")
OPERAND = r"[\w)\]}\"']"

RULES = [
    ("a forced unwrapping", re.compile(r"(?<=[\w)\]}>\"])!(?![=\w])|(?<=[\w)\]}>\"])!(?=\.)")),
    ("try!", re.compile(r"\btry!")),
    ("as!", re.compile(r"\bas!")),
    ("a deliberate stop",
     re.compile(r"\b(?:fatalError|preconditionFailure|precondition|assertionFailure|abort|exit)\(")),
    ("an unchecked unwrapping", re.compile(r"\.unsafelyUnwrapped\b|\bunsafeBitCast\b")),
]


def strip(source):
    """The lines without what stands in strings and comments, and with what `checked:` covers."""
    code, checked, reason = [], [], False
    text = re.sub(r'"""(?:.|\n)*?"""', lambda found: '""' + "\n" * found[0].count("\n"), source)
    for line in text.split("\n"):
        line = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
        bare, _, comment = line.partition("//")
        says = re.match(r"\s*checked: \S.{5,}", comment) is not None
        checked.append(says or reason)
        # A reason above holds for the first line of code behind it.
        reason = (says or reason) and not bare.strip()
        code.append(bare)
    return code, checked


def conversions(line):
    """The integer conversions on a line that neither say how they narrow nor visibly widen."""
    for found in re.finditer(rf"\b{INTEGER}\(", line):
        depth, end = 1, found.end()
        while end < len(line) and depth:
            depth += {"(": 1, ")": -1}.get(line[end], 0)
            end += 1
        argument = line[found.end():end - 1 if not depth else end].strip()
        if argument and not re.match(rf"{LABELS}:", argument) and not WIDENING.match(argument):
            yield f"{found[0]}{argument})"


def arithmetic(line):
    """The operators on a line that trap on overflow."""
    if re.match(r"\s*(?:prefix |infix |static func|func) *[+\-*<]", line):
        return
    for found in OPERATOR.finditer(line):
        before, after = line[:found.start()].rstrip(), line[found.end():].lstrip()
        # A sign, a part of a generic type or a range, not an operation.
        if not before or not re.search(rf"{OPERAND}$", before) or not after:
            continue
        if re.search(r"\b(?:return|in|case|unsafe|else|where|let|var)$", before):
            continue
        # Text is put together, and constants are checked by the compiler.
        if after.startswith('"') or before.endswith('"'):
            continue
        if re.search(r"(?:^|[\s(])\d\w*$", before) and re.match(r"\d", after):
            continue
        if POINTER.search(line[:found.end()].replace("+=", "+ ").replace("-=", "- ") + " "):
            continue
        yield f"{before.split()[-1]} {found[1]} {after.split()[0]}"


def findings(source):
    """Line numbers and what is wrong there."""
    code, checked = strip(source)
    for number, (line, is_checked) in enumerate(zip(code, checked), 1):
        if is_checked:
            continue
        for name, pattern in RULES:
            if pattern.search(line):
                yield number, name
        for conversion in conversions(line):
            yield number, f"a conversion that may trap: {conversion}"
        for operation in arithmetic(line):
            yield number, f"arithmetic that may trap: {operation}"


BAD = """
let a = value!
let a = value!.count
f(bytes.first!)
let a = try! parse()
let a = view as! Other
fatalError("x")
precondition(length < 5)
preconditionFailure()
let a = Int(length)
let a = UInt8(length)
let a = UInt16(length &- 1)
let a = Int32(bytes.count * 2)
let a = start + length
let a = start - length
let a = length * 3
let a = length << bits
place += length
place -= 1
number *= 10
let a = base.unsafelyUnwrapped
foo(x) // checked:
let a = start + length // this was checked
/// checked: a documentation comment is no reason
let a = (left + right) / 2
bytes[index + 1]
"""

GOOD = """
let a = value != other
if !value, !(other) { return }
let a = start &+ length
let a = length &<< 3
let a = Int(byte)
let a = Int(bytes[index])
let a = Int(range.count) &+ Int(byte & 0x0F)
let a = UInt8(truncatingIfNeeded: length)
let a = Int(exactly: length)
let a: UInt8 = UInt8(ascii: "+")
let limit = 1 << 20
text += "; a=b"
let a = "x + y! try! fatalError("
// let a = start + length
let a = start + length // checked: both are below 2^16
// checked: the head has at most 64 KiB
let a = start + length
unsafe (base + start).load(as: UInt8.self)
return unsafe start + count
let a = x < -1 ? -1 : -y
case a...b, -1: break
func f(_ g: (Int) -> Void)
let a = left | right ^ other
"""


def self_test():
    failed = 0
    for line in filter(None, BAD.split("\n")):
        if not list(findings(line)) and not line.startswith(("foo(x)", "///")):
            print(f"trap-gate: overlooks: {line}")
            failed += 1
    if list(findings('let a = start + length // checked:')) == []:
        print("trap-gate: takes an empty reason")
        failed += 1
    pairs = GOOD.split("\n")
    for index, line in enumerate(pairs):
        above = pairs[index - 1] + "\n" if index and pairs[index - 1].startswith("// checked") else ""
        for _, complaint in findings(above + line):
            print(f"trap-gate: complains about: {line}: {complaint}")
            failed += 1
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        failed = self_test()
        print("trap-gate: finds what it is for" if not failed else f"trap-gate: {failed} mistakes")
        sys.exit(1 if failed else 0)
    count = 0
    files = sorted({name for room in ROOMS for name in glob.glob(os.path.join(ROOT, room))})
    if len(files) < 50:
        sys.exit(f"trap-gate: only {len(files)} files are left to check")
    for name in files:
        with open(name, encoding="utf-8") as file:
            for number, complaint in findings(file.read()):
                print(f"{os.path.relpath(name, ROOT)}:{number}: {complaint}")
                count += 1
    if count:
        sys.exit(f"trap-gate: {count} places that could trap")
    print(f"trap-gate: none in {len(files)} files")


if __name__ == "__main__":
    main()
