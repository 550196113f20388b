#!/usr/bin/env python3
"""Two event loops against one.

    loops.py [--pairs 8] [--time 1s] PROGRAM

PROGRAM is stargate-bench. A server with one loop and one with two run at once, each on the same two
cores, and are loaded in turns by a client that has the other cores. What is compared is messages a
second, which means something where the client has enough cores of its own (four or more), and the CPU
time of the server for each message, which means something everywhere: what two loops cost more than
one bounds what they can gain.

Exit status: 0 if the gain is 1.8 or more, 1 if it is less, 3 if this machine cannot tell.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

WORKLOADS = [("20 B, one in flight", ["-c", "200", "-s", "20"]),
             ("20 B, 16 in flight", ["-c", "200", "-s", "20", "-p", "16"]),
             ("16 KiB", ["-c", "50", "-s", "16k"])]


def pinned(cores, command):
    return ["taskset", "--cpu-list", ",".join(map(str, cores))] + command


def spent(pid):
    """CPU time of a process in nanoseconds, of all its threads."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass
    return total


class Server:
    def __init__(self, program, loops, cores):
        self.process = subprocess.Popen(
            pinned(cores, [program, "serve", "--port", "0", "--loops", str(loops)]),
            stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().split()[-1]

    def measure(self, program, options, cores, time):
        before = spent(self.process.pid)
        out = subprocess.run(
            pinned(cores, [program, "echo", *options, "-d", time, "--warmup", "0", "--quiet",
                           "--json", "-", self.url]),
            capture_output=True, text=True, check=True)
        report = json.loads(out.stdout)
        count = report["result"]["completed"]
        return report["result"]["per_second"], (spent(self.process.pid) - before) / count

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--time", default="1s")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("loops.py: this takes two cores")
    has_room = len(cores) >= 4
    clients = cores[2:] if has_room else cores
    servers = [Server(options.program, loops, cores[:2]) for loops in (1, 2)]
    gains = []
    try:
        print(f"{'':<24}{'messages a second':>28}{'CPU time a message':>30}")
        print(f"{'':<24}{'1 loop':>10}{'2 loops':>10}{'ratio':>8}"
              f"{'1 loop':>12}{'2 loops':>10}{'ratio':>8}")
        for name, load in WORKLOADS:
            pairs = []
            for turn in range(options.pairs):
                order = servers if turn % 2 == 0 else servers[::-1]
                got = [one.measure(options.program, load, clients, options.time) for one in order]
                pairs.append(got if turn % 2 == 0 else got[::-1])
            rates = [statistics.median(pair[i][0] for pair in pairs) for i in (0, 1)]
            times = [statistics.median(pair[i][1] for pair in pairs) for i in (0, 1)]
            gain = statistics.median(b[0] / a[0] for a, b in pairs)
            cost = statistics.median(b[1] / a[1] for a, b in pairs)
            gains.append((gain, cost))
            print(f"{name:<24}{rates[0]:>10.0f}{rates[1]:>10.0f}{gain:>8.2f}"
                  f"{times[0]:>9.0f} ns{times[1]:>7.0f} ns{cost:>8.2f}", flush=True)
    finally:
        for server in servers:
            server.stop()
    if has_room:
        least = min(gain for gain, _ in gains)
        print(f"two loops do {least:.2f} times as much as one, or more (goal: 1.8)")
        sys.exit(least < 1.8)
    cost = max(cost for _, cost in gains)
    print(f"This machine has {len(cores)} cores, which the client shares: messages a second say "
          f"nothing here.\nA message costs at most {cost:.2f} times as much on two loops as on one, "
          f"so that two cores\nof their own could do {2 / cost:.2f} times as much as one "
          "if nothing else held them up.")
    sys.exit(3)


if __name__ == "__main__":
    main()
