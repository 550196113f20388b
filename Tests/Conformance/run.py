#!/usr/bin/env python3
"""Runs the conformance suite for the old WebSocket drafts against any server that echoes.

    Tests/Conformance/run.py ws://127.0.0.1:9001/            everything
    Tests/Conformance/run.py ws://127.0.0.1:9001/ H76 V8-4   some of it
    Tests/Conformance/run.py --list                          what there is
"""

import argparse
import datetime
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from drafts import cases  # noqa: E402, F401  (registers the cases)
from drafts import report, report_html  # noqa: E402
from drafts.case import FAILED, OK, UNIMPLEMENTED, every_case, select  # noqa: E402
from drafts.runner import DRAFTS, Unreachable, run_all  # noqa: E402
from drafts.target import Options, Target  # noqa: E402


def generations(text):
    names = frozenset(name for name in text.lower().split(",") if name)
    unknown = names - DRAFTS.keys()
    if unknown:
        known = ", ".join(DRAFTS)
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: one of {known}")
    return names


def arguments():
    parser = argparse.ArgumentParser(
        description="Conformance suite for draft-hixie-75, -76, hybi-07 and hybi-08 to -12.",
        epilog="The last line says `N passed, M failed`; the exit status is 1 if M is not 0.",
    )
    parser.add_argument("url", nargs="?", help="the server: ws://host:port/path, which must echo")
    parser.add_argument("patterns", nargs="*", help="cases: H76, H76-3, V8-4.7, '*-1.*'")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    parser.add_argument("--require", type=generations, default=frozenset(), metavar="h75,h76,v7,v8",
                        help="generations that must be spoken: refusing them is FAILED")
    parser.add_argument("--off", type=generations, default=frozenset(), metavar="h75,...",
                        help="generations that are switched off and must be refused with 426")
    parser.add_argument("--origin", help="the origin to send (default: the server's own)")
    parser.add_argument("--refused-origin", help="an origin that the server must refuse")
    parser.add_argument("--max-message", type=int, metavar="BYTES",
                        help="the longest message that the server takes; adds cases about it")
    parser.add_argument("--handshake-timeout", type=float, metavar="SECONDS",
                        help="what the server grants for a handshake; adds slow cases about it")
    parser.add_argument("--any-path", action="store_true", help="every path of the server echoes")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds for one case (5)")
    parser.add_argument("-j", "--parallel", type=int, default=4, help="cases at a time (4)")
    parser.add_argument("--name", help="what the reports call the server")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write a report for programs")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report for people")
    parser.add_argument("-v", "--verbose", action="store_true", help="show cases that are OK, too")
    return parser, parser.parse_intermixed_args()


def main():
    parser, given = arguments()
    if given.list:
        for case in every_case():
            print(f"{case.id:<8} {case.severity:<6} {case.title}")
        return 0
    if not given.url:
        parser.error("the URL of the server is missing")
    try:
        target = Target(given.url)
    except ValueError as problem:
        parser.error(str(problem))
    options = Options(
        target=target,
        timeout=given.timeout,
        origin=given.origin,
        refused_origin=given.refused_origin,
        max_message=given.max_message,
        handshake_timeout=given.handshake_timeout,
        any_path=given.any_path,
        off=given.off,
    )
    chosen = select(every_case(), given.patterns, options.offers)
    # What is switched off is tested by its own group; the others would all say UNIMPLEMENTED.
    chosen = [case for case in chosen if case.generation not in given.off]
    if not chosen:
        parser.error("no case has such a number")

    def progress(outcome):
        if given.verbose or outcome.result not in (OK, UNIMPLEMENTED):
            print(report.outcome_line(outcome), flush=True)

    started = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    try:
        refusals, outcomes = run_all(chosen, options, given.parallel, given.require, progress)
    except Unreachable as problem:
        print(f"{given.url}: {problem}", file=sys.stderr)
        return 2
    result = report.build(given.name or given.url, given.url, started, refusals, outcomes)
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    if given.html:
        given.html.write_text(report_html.render([result]))
    print("\n".join(report.summary_lines(result)))
    return 1 if result["summary"][FAILED] else 0


if __name__ == "__main__":
    sys.exit(main())
