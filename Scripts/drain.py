#!/usr/bin/env python3
"""Stops a server with thousands of clients, and counts what each of them is told.

    drain.py --bench PATH [--clients 10000]

Several processes hold the clients, at addresses of their own. SIGTERM comes once; every client
answers its Close frame, as clients do.
"""

import argparse
import multiprocessing
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time

REQUEST = (b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
CLOSE_1001 = bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE9])


def clients(number, count, port, results):
    sockets = []
    for index in range(count):
        peer = socket.socket()
        peer.bind((f"127.0.{1 + number}.{1 + index % 200}", 0))
        peer.connect(("127.0.0.1", port))
        peer.sendall(REQUEST)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += peer.recv(1)
        assert b" 101 " in head, head
        sockets.append(peer)
    results.put(("ready", count))
    codes, times, begin = {}, [], None
    selector = selectors.DefaultSelector()
    for peer in sockets:
        peer.setblocking(False)
        selector.register(peer, selectors.EVENT_READ, bytearray())
    while selector.get_map():
        for key, _ in selector.select(60):
            peer, data = key.fileobj, key.data
            try:
                part = peer.recv(4096)
            except OSError:
                part = b""
            data += part
            if part and data[:1] == b"\x88" and len(data) >= 4:
                begin = begin or time.monotonic()
                times.append(time.monotonic())
                code = int.from_bytes(data[2:4], "big")
                codes[code] = codes.get(code, 0) + 1
                data.clear()
                peer.sendall(CLOSE_1001)
            elif not part:
                selector.unregister(peer)
                peer.close()
    results.put(("codes", codes, min(times, default=0), max(times, default=0)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--clients", type=int, default=10_000)
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = subprocess.Popen([options.bench, "serve", "--port", "0"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    port = int(server.stdout.readline().rsplit(":", 1)[1])
    results = multiprocessing.Queue()
    workers = 4
    shares = [options.clients // workers + (index < options.clients % workers)
              for index in range(workers)]
    for index, share in enumerate(shares):
        multiprocessing.Process(target=clients, args=(index, share, port, results),
                                daemon=True).start()
    ready = sum(results.get(timeout=300)[1] for _ in range(workers))
    print(f"{ready} clients are connected")
    since = time.monotonic()
    server.send_signal(signal.SIGTERM)
    codes, first, last = {}, [], []
    for _ in range(workers):
        _, part, begin, end = results.get(timeout=120)
        for code, count in part.items():
            codes[code] = codes.get(code, 0) + count
        first.append(begin)
        last.append(end)
    status = server.wait(timeout=30)
    took = time.monotonic() - since
    print(f"codes {codes}; the first after {min(first) - since:.2f} s, the last after "
          f"{max(last) - since:.2f} s; exit status {status} after {took:.2f} s")
    print(server.stderr.read(), end="")
    good = codes == {1001: options.clients} and status == 0
    print("good" if good else "BAD")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
