#!/usr/bin/env python3
"""What a message costs stargate-bench, against the plain C client beside this script.

    run.py PROGRAM [ROUNDS]

Both load the same server in turns (ABBA), so that what the machine does meanwhile falls on both. The
ratio is the median of those of the rounds.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

WORKLOADS = [(64, 1, 20), (64, 32, 20), (64, 1, 512), (32, 1, 16384)]
SECONDS = "1"


def ours(program, port, connections, depth, size):
    out = subprocess.run(
        [program, "echo", "-c", str(connections), "-p", str(depth), "-s", str(size), "-d", SECONDS,
         "--warmup", "500ms", "--quiet", "--json", "-", f"ws://127.0.0.1:{port}/"],
        capture_output=True, text=True, check=True,
    )
    return json.loads(out.stdout)["client"]["cpu_ns_per_operation"]


def theirs(yardstick, port, connections, depth, size):
    out = subprocess.run(
        [yardstick, str(port), str(connections), str(depth), str(size), SECONDS],
        capture_output=True, text=True, check=True,
    )
    return float(out.stdout.split()[1])


def main():
    program, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    source = pathlib.Path(__file__).with_name("yardstick.c")
    with tempfile.TemporaryDirectory() as folder:
        yardstick = f"{folder}/yardstick"
        subprocess.run(["cc", "-O2", "-o", yardstick, source], check=True)
        server = subprocess.Popen(
            [program, "serve", "--port", "0", "--loops", "1"], stdout=subprocess.PIPE, text=True
        )
        try:
            port = server.stdout.readline().rsplit(":", 1)[1].strip().rstrip("/")
            print("connections  depth   size   bench ns  yardstick ns  ratio")
            for workload in WORKLOADS:
                pairs = []
                for turn in range(rounds):
                    order = [lambda: ours(program, port, *workload),
                             lambda: theirs(yardstick, port, *workload)]
                    if turn % 2:
                        second, first = order[1](), order[0]()
                    else:
                        first, second = order[0](), order[1]()
                    pairs.append((first, second))
                ratio = statistics.median(a / b for a, b in pairs)
                bench, plain = (statistics.median(side) for side in zip(*pairs))
                print("%11d  %5d  %5d  %9.0f  %12.0f  %5.2f" % (*workload, bench, plain, ratio),
                      flush=True)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
