#!/usr/bin/env python3
"""Checks Tests/THREATS.md: every row is there, and every test that a row names exists.

A row names its tests between backticks: `Attacks 75` is an attack of that number, `SuiteName` a suite
of the unit tests, `folder/file.py` a file of Tests/; a title in quotes has to be a part of a test's
name in it. A row without a test has to say why. Every attack has to be in the table, too.

    Scripts/threat-table.py
"""
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent / "Tests"
LAST_ROW = 125


def attacks():
    found = set()
    for file in (TESTS / "Attacks").glob("rows_*.py"):
        found |= {int(row) for row in re.findall(r"@attack\((\d+),", file.read_text())}
    return found


def suites():
    found = {}
    for file in TESTS.rglob("*.swift"):
        text = file.read_text()
        for name in re.findall(r"(?:struct|class|enum) (\w+Tests)\b", text):
            found[name] = text
    return found


def problem(reference, attacked, known):
    """What is wrong with a reference; None if it names something that exists."""
    if reference.startswith("make "):
        return None
    name, _, title = reference.partition(' "')
    if match := re.fullmatch(r"Attacks (\d+)", name):
        return None if int(match[1]) in attacked else "there is no such attack"
    text = known.get(name)
    if text is None and "/" in name and (TESTS / name).is_file():
        text = (TESTS / name).read_text()
    if text is None:
        return "there is no such suite or file"
    if title and title.removesuffix('"') not in text:
        return "no test there is called so"
    return None


def main():
    attacked, known, seen, failed = attacks(), suites(), {}, False

    def complain(text):
        nonlocal failed
        failed = True
        print(f"Tests/THREATS.md: {text}", file=sys.stderr)

    for line in (TESTS / "THREATS.md").read_text().splitlines():
        match = re.fullmatch(r"\| (\d+) \| (.+?) \| (.+) \|", line)
        if not match:
            continue
        row, references = int(match[1]), re.findall(r"`([^`]+)`", match[3])
        if row in seen:
            complain(f"row {row} is there twice")
        seen[row] = references
        if not references and len(match[3].split()) < 4:
            complain(f"row {row} has neither a test nor a reason")
        for reference in references:
            if wrong := problem(reference, attacked, known):
                complain(f"row {row}: `{reference}`: {wrong}")
    for row in range(1, LAST_ROW + 1):
        if row not in seen:
            complain(f"row {row} is missing")
    for row in sorted(attacked):
        if f"Attacks {row}" not in seen.get(row, []):
            complain(f"row {row} does not name its attack")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
