#!/usr/bin/env python3
"""Attacks a built server in every way of the list, and ends with `N passed, M failed`.

    run.py --bench PATH/stargate-bench [--rows 62,96-106] [--short] [--json FILE] [--list]

Every attack meets a fresh `stargate-bench serve`, whose defaults are the library's. Each line says
by how much its resident memory grew at most, and how long somebody else had to wait for an echo.
"""

import argparse
import importlib
import json
import sys
import time

from suite import ATTACKS, HERE, MEBIBYTE, fight

# Every file of rows registers its attacks.
for file in sorted(HERE.glob("rows_*.py")):
    importlib.import_module(file.stem)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", help="the stargate-bench program")
    parser.add_argument("--rows", help="numbers and ranges of them, such as 62,96-106")
    parser.add_argument("--short", action="store_true", help="leave out what takes long")
    parser.add_argument("--json", help="write the figures into this file")
    parser.add_argument("--list", action="store_true", help="list the attacks and do nothing")
    options = parser.parse_args()
    chosen = [attack for attack in sorted(ATTACKS, key=lambda attack: attack.row)
              if wanted(attack, options)]
    if options.list:
        for attack in chosen:
            print(attack.label)
        return 0
    if not options.bench:
        parser.error("--bench is missing")
    results = [one([options.bench], attack, number) for number, attack in enumerate(chosen)]
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
    failed = sum("error" in result for result in results)
    growth = max((result.get("growth", 0) for result in results), default=0)
    stall = max((result.get("stall", 0) for result in results), default=0)
    print(f"most memory +{growth / MEBIBYTE:.1f} MiB, longest wait {stall * 1000:.0f} ms")
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


def wanted(attack, options):
    if options.short and not attack.is_short:
        return False
    if not options.rows:
        return True
    for part in options.rows.split(","):
        first, _, last = part.partition("-")
        if int(first) <= attack.row <= int(last or first):
            return True
    return False


def one(command, attack, number):
    result = {"row": attack.row, "name": attack.name}
    since = time.monotonic()
    try:
        fight(command, attack, number, result)
    except Exception as error:  # noqa: BLE001: whatever went wrong is the result
        result["error"] = f"{type(error).__name__}: {error}".removeprefix("CheckFailed: ")
    result["seconds"] = round(time.monotonic() - since, 1)
    print(line(attack, result), flush=True)
    return result


def line(attack, result):
    mark = "FAIL" if "error" in result else "ok  "
    facts = [f"+{result['growth'] / MEBIBYTE:.1f} MiB"] if "growth" in result else []
    if "stall" in result:
        facts.append(f"wait {result['stall'] * 1000:.0f} ms")
        if result["noise"] > 0.05:
            facts.append(f"of which the machine up to {result['noise'] * 1000:.0f} ms")
    facts += result.get("notes", [])
    facts += [result["error"]] if "error" in result else []
    return f"{mark} {attack.label}  ({'; '.join(facts)}; {result['seconds']} s)"


if __name__ == "__main__":
    sys.exit(main())
