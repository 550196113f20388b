#!/usr/bin/env python3
"""Restarts a server again and again under new connections, and counts those that it refuses.

    restart.py --bench PATH [--restarts 10] [--rate 500] [--pause 1.5]

Each generation takes the listening sockets over from the one before (`serve --handover`). Every
client connects, completes the opening handshake, sends a message and wants it back, or to be told
1001: anything else is a failure.
"""

import argparse
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

REQUEST = (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
MESSAGE = bytes([0x81, 0x82, 0, 0, 0, 0]) + b"hi"
ECHO = b"\x81\x02hi"
GOODBYE = bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE9])


def attempt(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
            peer.sendall(REQUEST + MESSAGE)
            data = b""
            while b"\r\n\r\n" not in data:
                part = peer.recv(4096)
                if not part:
                    return f"ended within the handshake after {data[:40]!r}"
                data += part
            head, _, rest = data.partition(b"\r\n\r\n")
            if b" 101 " not in head:
                return f"refused: {head[:40]!r}"
            while len(rest) < 4:
                part = peer.recv(4096)
                if not part:
                    return "ended without a goodbye"
                rest += part
            peer.sendall(GOODBYE)
            if rest.startswith(ECHO):
                return "echoed"
            return "told 1001" if rest[:1] == b"\x88" and rest[2:4] == b"\x03\xe9" else repr(rest)
    except OSError as problem:
        return f"{type(problem).__name__}: {problem}"


def start(bench, port, path):
    process = subprocess.Popen([bench, "serve", "--port", str(port), "--handover", path],
                               stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline().rsplit(":", 1)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--pause", type=float, default=1.5)
    options = parser.parse_args()
    outcomes, stop = Counter(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/handover"
        server, port = start(options.bench, 0, path)
        began = time.monotonic()

        def storm():
            with ThreadPoolExecutor(32) as pool:
                futures, number = [], 0
                while not stop.is_set():
                    futures.append(pool.submit(attempt, port))
                    number += 1
                    wait = began + number / options.rate - time.monotonic()
                    if wait > 0:
                        time.sleep(wait)
                outcomes.update(future.result() for future in futures)

        thread = threading.Thread(target=storm)
        thread.start()
        statuses = []
        for _ in range(options.restarts):
            time.sleep(options.pause)
            successor, _ = start(options.bench, port, path)
            statuses.append(server.wait(timeout=30))
            server = successor
        time.sleep(options.pause)
        stop.set()
        thread.join()
        took = time.monotonic() - began
        server.send_signal(signal.SIGTERM)
        statuses.append(server.wait(timeout=30))
    total = sum(outcomes.values())
    failures = {what: count for what, count in outcomes.items()
                if what not in ("echoed", "told 1001")}
    print(f"{options.restarts} restarts under {total / took:.0f} new connections per second: "
          f"{total} connections, {outcomes['echoed']} echoed, {outcomes['told 1001']} told 1001, "
          f"{sum(failures.values())} refused or lost {failures or ''}")
    print(f"exit statuses {Counter(statuses)}")
    good = total > 0 and not failures and set(statuses) == {0}
    print("good" if good else "BAD")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
