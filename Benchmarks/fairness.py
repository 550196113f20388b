#!/usr/bin/env python3
"""What a peer that sends as fast as it can does to the others' round trip.

    fairness.py [--rounds 15] [--time SECONDS] [--only NAME] PROGRAM

PROGRAM is stargate-bench. It serves on one loop, alone on one core; the clients have the others.
One client echoes a short message now and then. In every second slice another connection floods the
server and takes in what comes back. The ratio is that of the medians of the round trips, with the
flood and without, over all slices. The flood gives way to the other client on their core, so that
what is measured is the server. On a machine with other work, run it under `chrt --fifo 50`.

Exit status: 0 if no ratio is above 2, 1 if one is.
"""

import argparse
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import time

PAUSE = 0.001


def frame(opcode, payload, key=b"\x11\x22\x33\x44"):
    size = len(payload)
    if size < 126:
        head = bytes([0x80 | opcode, 0x80 | size])
    elif size < 65536:
        head = bytes([0x80 | opcode, 0xFE]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 0xFF]) + size.to_bytes(8, "big")
    mask = (key * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return head + key + masked.to_bytes(size, "big")


FLOODS = {
    "20 B": frame(2, bytes(20)) * 8192,
    "1 KiB": frame(2, bytes(1024)) * 512,
    "64 KiB": frame(2, bytes(65536)) * 8,
    "512 KiB": frame(2, bytes(512 << 10)),
    "empty fragments": frame(2, b"")[:1].replace(b"\x82", b"\x02") + frame(2, b"")[1:]
    + (b"\x00" + frame(0, b"")[1:]) * 20000 + frame(0, b""),
    "pings": frame(9, b"") * 20000,
}


def connect(port):
    peer = socket.create_connection(("127.0.0.1", port), timeout=30)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = peer.recv(1)
        if not byte:
            raise SystemExit("fairness.py: the server does not answer the handshake")
        head += byte
    if b" 101 " not in head:
        raise SystemExit("fairness.py: the server refused: " + head.decode("latin-1"))
    return peer


def flood(port, wire, floods, ends):
    """Sends while `floods` is set, and reads what comes back, until `ends` is set."""
    if os.sched_getscheduler(0) == os.SCHED_FIFO:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    else:
        os.nice(10)
    peer = connect(port)
    peer.setblocking(False)
    place = bytearray(1 << 20)
    sent = 0
    while not ends.is_set():
        if not floods.is_set() and sent == 0:
            floods.wait(0.01)
        moved = False
        try:
            moved = peer.recv_into(place) > 0
        except BlockingIOError:
            pass
        # A message that was begun is ended.
        if floods.is_set() or sent:
            try:
                sent = (sent + peer.send(memoryview(wire)[sent:])) % len(wire)
                moved = True
            except BlockingIOError:
                pass
        if not moved:
            time.sleep(0.0001)


def round_trips(peer, seconds):
    """Round trips in microseconds, one every millisecond."""
    message = frame(2, b"canary")
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter_ns()
        peer.sendall(message)
        count = 0
        while count < 8:
            count += len(peer.recv(8 - count)) or sys.exit("fairness.py: the connection was cut")
        times.append((time.perf_counter_ns() - begin) / 1000)
        time.sleep(PAUSE)
    return times


def measure(port, wire, rounds, seconds):
    floods, ends = multiprocessing.Event(), multiprocessing.Event()
    process = multiprocessing.Process(target=flood, args=(port, wire, floods, ends))
    process.start()
    peer = connect(port)
    round_trips(peer, seconds)
    without, among = [], []
    for _ in range(rounds):
        floods.clear()
        time.sleep(0.05)
        without += round_trips(peer, seconds)
        floods.set()
        time.sleep(0.05)
        among += round_trips(peer, seconds)
    ends.set()
    process.join()
    peer.close()
    return without, among


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--time", type=float, default=0.3, metavar="SECONDS")
    parser.add_argument("--only", choices=FLOODS, action="append")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    prefix = ["taskset", "--cpu-list", str(cores[0])] if len(cores) > 1 else []
    server = subprocess.Popen(prefix + [options.program, "serve", "--port", "0", "--loops", "1"],
                              stdout=subprocess.PIPE, text=True)
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[1:])
    worst = 0
    try:
        port = int(server.stdout.readline().rsplit(":", 1)[1].strip().rstrip("/"))
        print(f"{'the other peer floods with':<28}{'alone':>10}{'flooded':>10}{'ratio':>8}"
              f"{'99 %: alone':>14}{'flooded':>10}")
        for name in options.only or FLOODS:
            without, among = measure(port, FLOODS[name], options.rounds, options.time)
            alone, flooded = statistics.median(without), statistics.median(among)
            tails = [statistics.quantiles(times, n=100)[98] for times in (without, among)]
            worst = max(worst, flooded / alone)
            print(f"{name:<28}{alone:>7.0f} us{flooded:>7.0f} us{flooded / alone:>8.2f}"
                  f"{tails[0]:>11.0f} us{tails[1]:>7.0f} us", flush=True)
    finally:
        server.terminate()
        server.wait()
    print(f"the round trip of the others grows at most {worst:.2f}-fold (goal: 2)")
    sys.exit(worst > 2)


if __name__ == "__main__":
    main()
