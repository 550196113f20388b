"""A server's start, its end by a signal, and its want of descriptors."""

import asyncio
import contextlib
import resource
import signal
import socket
import subprocess
import threading
import time

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from harness import (CLOSE, PING, TEXT, Peer, Server, close_payload, eventually, expect, frame,
                     healthy, opening)


def run(report, bench):
    report.group = "lifecycle"
    half_open = HalfOpen(bench)
    for name, number in (("SIGTERM", signal.SIGTERM), ("SIGINT", signal.SIGINT)):
        ends(report, bench, name, number)
    deaf_peer(report, bench)
    time_wait(report, bench)
    port_taken(report, bench)
    with report.check("IPv6"), Server(
            [*bench, "serve", "--host", "::1", "--port", "0"], "serve-ipv6") as server:
        healthy(server)
        status, _ = server.stop()
        expect(status == 0, f"exit status {status}")
    descriptors(report, bench)
    memory(report, bench)
    half_open.finish(report)


def ends(report, bench, name, number, count=50):
    with report.check(f"{name}: 1001 to all {count} clients, exit status 0, no more output"):
        with Server([*bench, "serve", "--port", "0"], f"serve-{name}") as server:
            async def clients():
                sockets = [await connect(server.url, ping_interval=None) for _ in range(count)]
                server.process.send_signal(number)
                return await asyncio.gather(*(code_of(socket) for socket in sockets))
            codes = asyncio.run(clients())
            expect(codes == [1001] * count, f"codes {sorted(set(codes))}")
            status, rest = server.finish()
            expect(status == 0, f"exit status {status}")
            expect(rest == "", f"printed {rest!r}")


async def code_of(socket):
    try:
        await asyncio.wait_for(socket.recv(), 10)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    return None


def deaf_peer(report, bench):
    with report.check("SIGTERM: a peer that answers nothing is cut, and the exit status says so"):
        with Server([*bench, "serve", "--port", "0"], "serve-deaf") as server, \
                Peer(server) as deaf, Peer(server) as idle, Peer(server) as half:
            deaf.shake()
            half.send(opening()[:30])
            idle.socket.settimeout(1)
            time.sleep(0.2)
            status, _ = server.stop(within=20)
            expect(status == 1, f"exit status {status}")
    with report.check("a second SIGTERM cuts at once, and the exit status says so"):
        with Server([*bench, "serve", "--port", "0", "--shutdown-timeout", "1h"],
                    "serve-twice") as server, Peer(server) as deaf:
            deaf.shake()
            server.process.send_signal(signal.SIGTERM)
            expect(deaf.closing() == 1001, "it was not told")
            status, _ = server.stop(within=20)
            expect(status == 1, f"exit status {status}")


def time_wait(report, bench, count=50):
    with report.check("a restart on a port full of TIME_WAIT listens at once"):
        port = "0"
        for _ in range(3):
            with Server([*bench, "serve", "--port", port], "serve-time-wait") as server:
                port = str(server.port)
                # Whoever ends TCP first keeps the port in TIME_WAIT: the server, after its Close.
                for _ in range(count):
                    with Peer(server) as peer:
                        peer.shake()
                        peer.send(frame(CLOSE, close_payload(1000)))
                        expect(peer.closing() == 1000, "not closed")
                        peer.expect_end()
                status, _ = server.stop()
                expect(status == 0, f"exit status {status}")


def port_taken(report, bench):
    with report.check("a port that is taken: one readable line, exit status not 0, no crash"):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            result = subprocess.run(
                [str(part) for part in bench] + ["serve", "--port", str(port)],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)
        expect(result.returncode > 0, f"exit status {result.returncode}")
        expect(result.stdout == "", f"printed {result.stdout!r}")
        expect(str(port) in result.stderr, f"said {result.stderr!r}")


def descriptors(report, bench):
    """Without free descriptors a server must neither spin nor forget those it serves."""
    with Server([*bench, "serve", "--port", "0"], "serve-descriptors") as server:
        with Peer(server) as old:
            old.shake()
            limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE,
                             (server.descriptors() + 4, limits[1]))
            crowd = [Peer(server) for _ in range(60)]
            time.sleep(0.5)
            before, since = server.cpu_seconds(), time.monotonic()
            time.sleep(2)
            share = (server.cpu_seconds() - before) / (time.monotonic() - since)
            with report.check("no free descriptor: the server does not spin"):
                expect(server.alive(), "it died")
                expect(share < 0.25, f"used {share:.0%} of a core")
            with report.check("no free descriptor: connections that it has are served"):
                old.send(frame(TEXT, b"old"))
                old.expect_echo(TEXT, b"old")
            for peer in crowd:
                peer.socket.close()
            with report.check("descriptors free again: new connections are served"):
                eventually(lambda: serves(server), "no new connection was served", within=10)
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
        with report.check("after that it ends as ever"):
            status, _ = server.stop()
            expect(status == 0, f"exit status {status}")


def serves(server):
    with contextlib.suppress(Exception):
        healthy(server)
        return True
    return False


def memory(report, bench, count=500, cycles=5):
    with report.check(f"{cycles} times {count} connections leave nothing behind"):
        with Server([*bench, "serve", "--port", "0"], "serve-memory") as server:
            sizes = []
            for _ in range(cycles):
                peers = [Peer(server).shake() for _ in range(count)]
                for peer in peers:
                    peer.send(frame(TEXT, b"x" * 500))
                for peer in peers:
                    peer.expect_echo(TEXT, b"x" * 500)
                    peer.socket.close()
                time.sleep(0.2)
                sizes.append(server.resident_bytes() // 1024)
            grown = sizes[-1] - sizes[1]
            expect(grown < 2048, f"resident KiB after each cycle: {sizes}")


class HalfOpen:
    """A peer that goes silent and never answers a ping: it takes a while, so it runs beside."""

    def __init__(self, bench, within=60):
        self.server = Server([*bench, "serve", "--port", "0"], "serve-half-open")
        self.peer = Peer(self.server, timeout=within).shake()
        self.since = time.monotonic()
        self.pinged = self.code = self.seconds = None
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        with contextlib.suppress(Exception):
            _, opcode, _ = self.peer.frame()
            self.pinged = opcode == PING
            self.code = self.peer.closing()
            self.seconds = time.monotonic() - self.since

    def finish(self, report):
        self.thread.join()
        with report.check("a peer that answers no ping is pinged, then dropped"):
            expect(self.pinged, "it was not pinged")
            expect(self.seconds is not None, "it was not dropped")
        self.peer.socket.close()
        with contextlib.suppress(Exception):
            self.server.stop()


def run_demo(report, demo):
    """The demo's contract: a page, a health check, an echo, and an orderly end."""
    report.group = "demo"
    with Server([*demo, "--port", "0"], "demo") as server:
        with report.check("the echo echoes"):
            healthy(server, "/echo")
        with report.check("GET / is the page, GET /health says ok, HEAD has no body"):
            page = get(server, "/")
            expect(page.status == 200, page.line)
            expect(page.fields["content-type"].startswith("text/html"), "not text/html")
            health = get(server, "/health")
            expect(health.status == 200 and health.body.strip() == b"ok", health.line)
            head = get(server, "/", "HEAD")
            expect(head.status == 200 and head.body == b"", "HEAD brought a body")
            expect(head.fields["content-length"] == page.fields["content-length"], "lengths")
            expect(get(server, "/nothing").status == 404, "no 404")
        with report.check("two requests on one connection"), Peer(server) as peer:
            for _ in range(2):
                peer.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = peer.answer()
                expect(answer.status == 200, answer.line)
                peer.take(int(answer.fields["content-length"]))
        with report.check("what one says in the room, all hear; the count is right"):
            asyncio.run(chat(server))
        with report.check("Ctrl-C: 1001 to all, exit status 0, one line at the end"):
            async def clients():
                sockets = [await connect(f"{server.url}/chat", ping_interval=None)
                           for _ in range(20)]
                server.process.send_signal(signal.SIGINT)
                return await asyncio.gather(*(drain(socket) for socket in sockets))
            codes = asyncio.run(clients())
            expect(codes == [1001] * 20, f"codes {sorted(set(codes))}")
            status, rest = server.finish()
            expect(status == 0, f"exit status {status}")
            expect(len(rest.splitlines()) == 1, f"printed {rest!r}")


def get(server, path, method="GET"):
    with Peer(server) as peer:
        peer.send(f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = peer.answer()
        with contextlib.suppress(Exception):
            while True:
                peer.fill()
        answer.body = peer.buffer
        return answer


async def chat(server, count=12):
    url = f"{server.url}/chat"
    sockets = [await connect(url, ping_interval=None) for _ in range(count)]
    # Every arrival is told to all, so wait until the last one has been told to each.
    for socket in sockets:
        while await asyncio.wait_for(socket.recv(), 5) != presence(count):
            pass
    said = '{"type":"say","name":"a","text":"<b>hello</b>"}'
    await sockets[3].send(said)
    for socket in sockets:
        expect(await asyncio.wait_for(socket.recv(), 5) == said, "not what was said")
    ping = '{"type":"ping","at":1}'
    await sockets[0].send(ping)
    expect(await asyncio.wait_for(sockets[0].recv(), 5) == ping, "a ping came back changed")
    await sockets.pop().close()
    for socket in sockets:
        got = await asyncio.wait_for(socket.recv(), 5)
        expect(got == presence(count - 1), f"got {got!r}")
    await sockets[0].send("x" * 20_000)
    expect(await drain(sockets.pop(0)) == 1009, "an overlong message was taken")
    await asyncio.gather(*(socket.close() for socket in sockets))


def presence(count):
    return f'{{"type":"presence","count":{count}}}'


async def drain(socket):
    try:
        while True:
            await asyncio.wait_for(socket.recv(), 10)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
