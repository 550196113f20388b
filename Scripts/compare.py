"""Runs stargate-bench against two servers in turns and prints their figures side by side.

In turns, because a machine is not the same from minute to minute; the median of the rounds,
because one of them may be disturbed. Both servers use one thread.
"""

import contextlib
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

WORKLOADS = [
    ("handshakes, 32 at a time", ["handshake", "-c", "32"]),
    ("20 bytes, 64 connections", ["echo", "-c", "64", "-s", "20"]),
    ("20 bytes, 32 in flight on each", ["echo", "-c", "64", "-s", "20", "-p", "32"]),
    ("16 KiB, 64 connections", ["echo", "-c", "64", "-s", "16k"]),
]


@contextlib.contextmanager
def server(command):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit(f"{command[0]} did not say where it listens: {line!r}")
        yield line.split()[-1].rstrip("/") + "/", process.pid
    finally:
        process.terminate()
        process.wait()


def measure(bench, arguments, seconds, url, pid):
    command = [bench, *arguments, "-d", f"{seconds}s", "--quiet", "--json", "--pid", str(pid), url]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{result.stdout}{result.stderr}"
                 f"ended with status {result.returncode}")
    return json.loads(result.stdout)


def figures(reports):
    latency = [next(one for one in r["latency"] if one["name"] in ("round_trip", "cycle"))
               for r in reports]
    cpu = [r["server"]["cpu_ns_per_operation"] for r in reports if r.get("server")]
    return {
        "rate": statistics.median(r["result"]["per_second"] for r in reports),
        "p50": statistics.median(one["p50_ns"] for one in latency) / 1000,
        "p99": statistics.median(one["p99_ns"] for one in latency) / 1000,
        "cpu": statistics.median(cpu) / 1000 if cpu else float("nan"),
    }


def main():
    bench, rounds, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    servers = [
        ("Stargate", [bench, "serve", "--port", "0", "--loops", "1"]),
        ("websockets", [sys.executable, "-B", str(HERE / "echo-websockets.py")]),
    ]
    print(f"{rounds} rounds of {seconds} s for each, in turns; the medians\n")
    print(f"{'':32}{'':>12}{'per second':>12}{'p50, us':>10}{'p99, us':>10}{'CPU, us':>10}")
    with contextlib.ExitStack() as stack:
        running = [(name, *stack.enter_context(server(command))) for name, command in servers]
        for title, arguments in WORKLOADS:
            reports = {name: [] for name, _, _ in running}
            for _ in range(rounds):
                for name, url, pid in running:
                    reports[name].append(measure(bench, arguments, seconds, url, pid))
            rates, limits = [], set()
            for index, (name, _, _) in enumerate(running):
                row = figures(reports[name])
                rates.append(row["rate"])
                print(f"{title if index == 0 else '':32}{name:>12}{row['rate']:12,.0f}"
                      f"{row['p50']:10,.0f}{row['p99']:10,.0f}{row['cpu']:10.1f}", flush=True)
                if any(r["limited_by"]["key"] == "client" for r in reports[name]):
                    limits.add(name)
            note = f"; the client was the limit for {', '.join(sorted(limits))}" if limits else ""
            print(f"{'':32}{'ratio':>12}{rates[0] / rates[1]:11.1f}x{note}\n", flush=True)


main()
