#!/usr/bin/env python3
"""What a crowd of connections costs a server: while it is there, and when it is gone at once.

    crowd.py disconnect [--count 15000]     the longest turn of the loop while all are closed
    crowd.py idle [--count 10000] [--seconds 60] [--server 'NAME=COMMAND {port}'...]

`disconnect` starts `stargate-bench serve`, connects from helper processes, kills these, and asks the
server's own meter how long its turns took. `idle` holds connections that say nothing but pong, and
reads the CPU time of the server's process from the kernel's clock of that process, second by second:
so that what a ping costs and what waiting costs can be told apart. Both servers of a comparison are
up at the same time, and nothing else should be.
"""
import argparse
import os
import pathlib
import re
import resource
import select
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BENCH = HERE.parent / ".build/release/stargate-bench"
REQUEST = (
    b"GET /idle HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
# Empty, masked with zeros.
PONG = b"\x8a\x80\0\0\0\0"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, name, command):
        self.name, self.port = name, free_port()
        words = shlex.split(command.replace("{port}", str(self.port)))
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"{name} does not listen")

    def cpu(self):
        """Seconds of CPU, of all its threads. clock_getcpuclockid(3) makes the same number."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def metrics(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as stream:
            stream.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            page = b""
            while part := stream.recv(65536):
                page += part
        return page.decode()


def number(page, name):
    found = re.search(rf"^stargate_{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", page, re.M)
    return float(found[1]) if found else 0.0


def turns(page):
    """How many turns took at most so many seconds."""
    found = re.findall(r'^stargate_loop_turn_seconds_bucket{.*?le="([^"]+)"} (\d+)$', page, re.M)
    return {float(bound): int(count) for bound, count in found}


class Crowd:
    """Connections of one helper process, which answers pings and counts them."""

    def __init__(self, port, count):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.talk, self.process = ours, os.fork()
        if self.process == 0:
            ours.close()
            try:
                self.live(theirs, port, count)
            finally:
                os._exit(0)
        theirs.close()

    @staticmethod
    def live(talk, port, count):
        streams, poll = {}, select.epoll()
        for _ in range(count):
            stream = socket.create_connection(("127.0.0.1", port), timeout=60)
            stream.sendall(REQUEST)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += stream.recv(4096) or sys.exit("the server refused a connection")
            assert answer.startswith(b"HTTP/1.1 101"), answer
            stream.setblocking(False)
            streams[stream.fileno()] = stream
            poll.register(stream.fileno(), select.EPOLLIN)
        talk.sendall(b"!")
        poll.register(talk.fileno(), select.EPOLLIN)
        pings = 0
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == talk.fileno():
                    if not talk.recv(1):
                        return
                    talk.sendall(f"{pings}\n".encode())
                    continue
                received = streams[descriptor].recv(4096)
                if not received:
                    sys.exit("the server closed a connection")
                # All it says is empty pings.
                pings += received.count(b"\x89\x00")
                streams[descriptor].send(PONG)

    def pings(self):
        self.talk.sendall(b"?")
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self.talk.recv(64) or sys.exit("a helper process ended")
        return int(answer)

    def wait(self):
        if self.talk.recv(1) != b"!":
            sys.exit("a helper process could not open its connections")

    def kill(self):
        os.kill(self.process, signal.SIGKILL)


def gather(port, count, helpers):
    crowd = [Crowd(port, count // helpers + (place < count % helpers)) for place in range(helpers)]
    for helper in crowd:
        helper.wait()
    return crowd


def disconnect(options):
    command = f"{options.bench} serve --port {{port}} --loops 1 --metrics /metrics"
    server = Server("stargate", options.prefix + command)
    crowd = gather(server.port, options.count, options.helpers)
    before, cpu, begin = server.metrics(), server.cpu(), time.monotonic()
    active = number(before, "connections_active")
    for helper in crowd:
        helper.kill()
    while number(after := server.metrics(), "connections_active") > 1:
        if time.monotonic() > begin + 60:
            sys.exit("the server still has connections after a minute")
        time.sleep(0.01)
    elapsed, cpu = time.monotonic() - begin, server.cpu() - cpu
    for helper in crowd:
        os.waitpid(helper.process, 0)
    server.stop()
    longest = number(after, "loop_turn_longest_milliseconds")
    print(f"{active - 1:.0f} connections were gone {elapsed * 1000:.0f} ms after their processes")
    print(f"CPU: {cpu * 1e6 / options.count:.1f} us a connection")
    print(f"longest turn of the loop since the start: {longest:.0f} ms")
    earlier, counts, last = turns(before), turns(after), 0
    for bound, count in sorted(counts.items()):
        count -= earlier.get(bound, 0)
        if count > last:
            print(f"  turns of at most {bound * 1000:g} ms while they went: {count - last}")
        last = count
    return 0 if longest <= options.limit else 1


def idle(options):
    standard = f"stargate={options.bench} serve --port {{port}} --loops 1"
    servers = [Server(*spec.split("=", 1)) for spec in [standard, *(options.server or [])]]
    crowds = [gather(server.port, options.count, options.helpers) for server in servers]
    # What connecting has left to do is no part of it.
    time.sleep(3)
    samples = {server.name: [] for server in servers}

    def look():
        return [
            (time.monotonic(), server.cpu(), sum(helper.pings() for helper in crowd))
            for server, crowd in zip(servers, crowds)
        ]

    first = last = look()
    for _ in range(options.seconds):
        time.sleep(1)
        now = look()
        for server, old, new in zip(servers, last, now):
            rate = (new[1] - old[1]) / (new[0] - old[0]) * 1e6
            samples[server.name].append((rate, new[2] - old[2]))
        last = now
    for server, old, new in zip(servers, first, last):
        seconds, cpu, pings = (end - begin for begin, end in zip(old, new))
        still = [rate for rate, count in samples[server.name] if count == 0]
        line = f"{server.name:12} {cpu / seconds * 1e6:8.0f} us of CPU a second"
        line += f", {pings / seconds:.1f} pings a second among it"
        if still:
            line += f"; {statistics.median(still):.0f} us in seconds without a ping ({len(still)})"
        if pings and still:
            cost = (cpu / seconds * 1e6 - statistics.median(still)) / (pings / seconds)
            line += f"; {cost:.1f} us a ping and pong"
        print(line)
        server.stop()
    for crowd in crowds:
        for helper in crowd:
            helper.kill()
            os.waitpid(helper.process, 0)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default=BENCH, help="stargate-bench, built for release")
    modes = parser.add_subparsers(dest="mode", required=True)
    mode = modes.add_parser("disconnect", help="many connections end at the same moment")
    mode.add_argument("--count", type=int, default=15_000)
    mode.add_argument("--helpers", type=int, default=3, help="client processes")
    mode.add_argument("--limit", type=float, default=20, help="milliseconds; status 1 above")
    mode.add_argument("--prefix", default="", help="run the server by it, such as 'nice -n -20 '")
    mode.set_defaults(run=disconnect)
    mode = modes.add_parser("idle", help="many connections that say nothing")
    mode.add_argument("--count", type=int, default=10_000)
    mode.add_argument("--helpers", type=int, default=1, help="client processes for each server")
    mode.add_argument("--seconds", type=int, default=60)
    mode.add_argument("--server", action="append", help="NAME=COMMAND {port}; repeatable")
    mode.set_defaults(run=idle)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.count + 100 > hard:
        sys.exit(f"a server may open {hard} files here: fewer connections, or a higher ulimit -n")
    return options.run(options)


if __name__ == "__main__":
    sys.exit(main())
