#!/usr/bin/env python3
"""Runs the end-to-end checks against built programs and ends with `N passed, M failed`.

    run.py --bench PATH/stargate-bench --demo PATH/demo [--examples FOLDER] [--only GROUP[,GROUP...]]
"""

import argparse
import sys

import activation
import browser
import clients
import examples
import framing
import handshake
import lifecycle
import pages
import proxies
import secure
from harness import Report, Server

GROUPS = ["websockets", "node", "handshake", "framing", "lifecycle", "tls", "proxies", "activation",
          "demo", "browser",
          "examples"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="the stargate-bench program")
    parser.add_argument("--demo", help="the demo program; without it its groups are left out")
    parser.add_argument("--examples", help="the folder with the programs of the examples")
    parser.add_argument("--only", default=",".join(GROUPS), help=f"of {', '.join(GROUPS)}")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(GROUPS):
        parser.error(f"no such group: {', '.join(sorted(unknown))}")

    report = Report()
    bench, demo = [options.bench], [options.demo]
    print(f"Python websockets {clients.version()}")
    serve = [*bench, "serve", "--port", "0", "--max-message-size", str(framing.LIMIT)]
    for group, run in (("websockets", clients.run_python), ("node", clients.run_node),
                       ("handshake", handshake.run), ("framing", framing.run)):
        if group in chosen:
            attempt(report, group, lambda: against(serve, f"serve-{group}", report, run))
    if "websockets" in chosen:
        for mode in ("off", "shared", "dedicated"):
            attempt(report, "websockets", lambda mode=mode: against(
                [*serve, "--deflate", mode], f"serve-deflate-{mode}", report, clients.run_fragments))
    if "lifecycle" in chosen:
        attempt(report, "lifecycle", lambda: lifecycle.run(report, bench))
    if "tls" in chosen:
        attempt(report, "tls", lambda: secure.run_all(report, bench, options.demo and demo))
    if "proxies" in chosen:
        attempt(report, "proxies", lambda: proxies.run(report, bench))
    if "activation" in chosen:
        attempt(report, "activation", lambda: activation.run(report, bench))
    if options.demo and "demo" in chosen:
        attempt(report, "demo", lambda: lifecycle.run_demo(report, demo))
        attempt(report, "demo", lambda: against(
            [*demo, "--port", "0"], "demo-origin", report, handshake.run_origins))
    if options.demo and "browser" in chosen:
        attempt(report, "browser", lambda: browser.run(report, demo))
    if options.examples and "examples" in chosen:
        attempt(report, "jobs", lambda: examples.run_jobs(report, f"{options.examples}/jobs"))
        attempt(report, "auth", lambda: examples.run_auth(report, f"{options.examples}/auth"))
        attempt(report, "rooms", lambda: examples.run_rooms(report, f"{options.examples}/rooms"))
        attempt(report, "ticker", lambda: examples.run_ticker(report, f"{options.examples}/ticker"))
        attempt(report, "worker", lambda: examples.run_worker(report, f"{options.examples}/worker"))
    if options.examples and "browser" in chosen:
        attempt(report, "pages", lambda: pages.run(report, options.examples))
    return report.finish()


def against(command, name, report, run):
    with Server(command, name) as server:
        try:
            run(report, server)
        finally:
            if not server.alive():
                print(f"{name} ended with status {server.process.returncode}: {server.said()}")


def attempt(report, group, body):
    """A group that breaks down outside a check is one failed check, and the rest still run."""
    try:
        body()
    except Exception as error:  # noqa: BLE001
        report.group = group
        report.line("the group ran to its end", False, f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main())
