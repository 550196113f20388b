#!/usr/bin/env python3
"""Runs `stargate-bench serve` under system calls that fail, and checks every message.

    run.py --bench PATH [--seeds N] [--torture N] [--allocations N]

First every seed: a random choice of rules, eight clients at once, numbered messages of all sizes.
A connection may end; what arrives on it before that must be right, byte for byte, and in order.
Then the torture: one short scenario again and again, with the k-th call failing, k = 1..N; and
another over TLS with compression, in which the k-th allocation of OpenSSL and zlib does.
At the end of every run a fresh client is served, and SIGTERM ends the server as ever.
"""

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "EndToEnd"))
import allocations  # noqa: E402
from harness import BINARY, CheckFailed, Ended, Peer, Server, expect, frame, healthy  # noqa: E402

# What each call may fail with, as the kernel's manual pages have it.
RULES = ["accept4:ECONNABORTED:0.05", "accept4:EINTR:0.05", "accept4:EMFILE:0.02",
         "accept4:ENOBUFS:0.02", "accept4:EPROTO:0.02", "read:short:0.3", "read:EINTR:0.05",
         "read:EAGAIN:0.05", "read:ECONNRESET:0.002", "recv:short:0.3", "recv:EINTR:0.05",
         "recv:EAGAIN:0.05", "recv:ECONNRESET:0.002", "write:short:0.3", "write:EINTR:0.05",
         "write:EAGAIN:0.1", "write:ENOBUFS:0.002", "write:EPIPE:0.002", "send:short:0.3",
         "send:EAGAIN:0.1", "send:EINTR:0.05", "send:ECONNRESET:0.002", "sendmsg:short:0.3",
         "sendmsg:EAGAIN:0.1", "sendmsg:EINTR:0.05", "sendmsg:EPIPE:0.002", "writev:short:0.3",
         "writev:EAGAIN:0.1", "writev:EINTR:0.05", "close:EINTR:0.2", "malloc:ENOMEM:0.05",
         "clock:jump:0.0001", "read:delay:0.01", "send:delay:0.01", "epoll_ctl:ENOMEM:0.01"]


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.messages = self.connections = self.ended = 0
        self.wrong = []

    def add(self, messages, ended):
        with self.lock:
            self.messages += messages
            self.connections += 1
            self.ended += ended


def talk(server, seed, tally, connections=4, messages=12):
    """One client after the other; a connection that breaks is replaced."""
    chance = random.Random(seed)
    for _ in range(connections):
        good = 0
        try:
            with Peer(server, timeout=20) as peer:
                peer.shake()
                for number in range(messages):
                    size = chance.choice([0, 1, 125, 126, 1000, 65535, 65536, 70000])
                    payload = number.to_bytes(4, "big") + chance.randbytes(size)
                    peer.send(frame(BINARY, payload))
                    got = peer.message()
                    if got != (BINARY, payload):
                        with tally.lock:
                            tally.wrong.append(f"message {number} of {len(payload)} bytes")
                    good += 1
            tally.add(good, 0)
        except socket.timeout:
            with tally.lock:
                tally.wrong.append(f"nothing came for 20 s after {good} messages")
        except (Ended, OSError, CheckFailed):
            tally.add(good, 1)


def served(server, tries=100):
    """A fresh client is served, if need be after some that were not lucky."""
    for _ in range(tries):
        expect(server.alive(), "the server died")
        try:
            return healthy(server)
        except (Exception,):  # noqa: B014 a fault of the run, not of the server
            continue
    raise CheckFailed(f"{tries} fresh clients were not served")


def run(bench, library, variables, load):
    with tempfile.NamedTemporaryFile() as log:
        environment = {**os.environ, **variables, "LD_PRELOAD": str(library),
                       "FAULTS_LOG": log.name, "SWIFT_BACKTRACE": "enable=no"}
        with Server([bench, "serve", "--port", "0", "--loops", "2", "--deflate", "shared",
                     "--shutdown-timeout", "3s"], "faults", environment) as server:
            load(server)
            served(server)
            status, _ = server.stop(within=20)
            expect(status in (0, 1), f"exit status {status}")
        lines = [line.split() for line in Path(log.name).read_text().splitlines()]
        return {name: (int(seen), int(failed)) for name, seen, failed in lines}


def seeded(bench, library, seed, tally):
    chance = random.Random(seed)
    rules = chance.sample(RULES, chance.randint(1, 8))

    def load(server):
        threads = [threading.Thread(target=talk, args=(server, seed * 100 + number, tally))
                   for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    try:
        counts = run(bench, library, {"FAULTS": ",".join([str(seed), *rules])}, load)
        expect(not tally.wrong, "; ".join(tally.wrong[:3]))
    except CheckFailed as problem:
        raise CheckFailed(f"seed {seed} ({', '.join(rules)}): {problem}") from None
    return sum(failed for _, failed in counts.values())


def torture(bench, library, limit):
    """Returns how many calls of the scenario failed in turn, and how many there are."""
    def load(server):
        talk(server, 1, Tally(), connections=2, messages=3)

    count = run(bench, library, {"FAULTS_FAIL": str(1 << 40)}, load)["candidates"][0]
    step = max(1, count // limit)
    failed = 0
    for call in range(1, count + 1, step):
        try:
            run(bench, library, {"FAULTS_FAIL": str(call)}, load)
        except CheckFailed as problem:
            # Without its first listening socket a server says so, and does not start.
            if "did not say where it listens" not in str(problem):
                raise CheckFailed(f"call {call} of {count}: {problem}") from None
        failed += 1
    return failed, count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True, type=Path)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--torture", type=int, default=200)
    parser.add_argument("--allocations", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "faults.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o",
                        library, HERE / "faults.c", "-ldl"], check=True)
        tally, faults = Tally(), 0
        try:
            for seed in range(options.first, options.first + options.seeds):
                faults += seeded(options.bench, library, seed, tally)
            if options.seeds:
                expect(tally.messages > 0 and faults > 0, "nothing was tried")
                print(f"{options.seeds} seeds: {faults} calls failed; {tally.messages} messages "
                      f"checked on {tally.connections} connections, {tally.ended} of which broke; "
                      "0 wrong, every server lived and ended well", flush=True)
            if options.torture:
                failed, count = torture(options.bench, library, options.torture)
                print(f"torture: {failed} of {count} calls of the scenario failed in turn; every "
                      "server lived and ended well", flush=True)
            if options.allocations:
                failed, count, refused = allocations.torture(
                    options.bench, library, options.allocations)
                print(f"allocations: {failed} of {count} failed in turn, which cost {refused} "
                      "clients their connection; every server lived, and served the next one")
        except CheckFailed as problem:
            print(f"FAIL  {problem}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
