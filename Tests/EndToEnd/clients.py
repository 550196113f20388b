"""Clients that others wrote: Python `websockets` in this process, Debian's node-ws in its own."""

import asyncio
import os
import pathlib
import shutil
import subprocess

import websockets
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from harness import expect

SIZES = [0, 1, 7, 8, 124, 125, 126, 127, 128, 1000, 65534, 65535, 65536, 65537, 100_000, 1 << 20]


def run_python(report, server):
    report.group = "websockets"
    for check in (sizes, unicode_text, fragments, pings, close_codes, many, in_flight, subprotocol):
        asyncio.run(check(report, server))


async def sizes(report, server):
    async with connect(f"{server.url}/sizes", max_size=None, compression=None) as socket:
        for size in SIZES:
            with report.check(f"text and binary of {size} bytes"):
                text = ("Stargate " * (size // 9 + 1))[:size]
                await socket.send(text)
                expect(await socket.recv() == text, "other text came back")
                data = os.urandom(size)
                await socket.send(data)
                expect(await socket.recv() == data, "other bytes came back")


async def unicode_text(report, server):
    text = "Grüße, κόσμε, 日本語, 𝄞, \u0000, \ufffe"
    async with connect(server.url) as socket:
        with report.check("text of every UTF-8 length, with NUL and a non-character"):
            await socket.send(text)
            expect(await socket.recv() == text, "other text came back")


async def fragments(report, server):
    async with connect(server.url) as socket:
        with report.check("fragmented text"):
            await socket.send(["one ", "two ", "", "thr€e"])
            expect(await socket.recv() == "one two thr€e", "other text came back")
        with report.check("fragmented binary of 300 pieces"):
            await socket.send([bytes([n % 256]) * 700 for n in range(300)])
            expect(len(await socket.recv()) == 210_000, "another length came back")


def run_fragments(report, server):
    report.group = "websockets"
    for compression in ("deflate", None):
        asyncio.run(fragments_back(report, server, compression))


async def fragments_back(report, server, compression):
    """The server sends each message back in fragments: compressed as one, where that is agreed."""
    text = "Grüße, κόσμε, 日本語, 𝄞 " * 50
    for size in (1, 7, 1000):
        url = f"{server.url}/fragments?size={size}"
        async with connect(url, compression=compression, max_size=None) as socket:
            agreed = ", ".join(one.name for one in socket.protocol.extensions) or "nothing"
            with report.check(f"fragments of {size} bytes, {agreed} agreed on, {server.name}"):
                # The second may refer to the first.
                for message in (text, text, os.urandom(5000), "", b"", text[:size], text):
                    await socket.send(message)
                    parts = [part async for part in socket.recv_streaming()]
                    expect(type(message)().join(parts) == message, "another message came back")
                    length = len(message.encode() if isinstance(message, str) else message)
                    expect(len(parts) == max(1, -(-length // size)), f"{len(parts)} fragments")
                await asyncio.wait_for(await socket.ping(b"still there"), 5)


async def pings(report, server):
    async with connect(server.url) as socket:
        with report.check("a ping is answered with its payload"):
            await asyncio.wait_for(await socket.ping(b"abc"), 5)
            await asyncio.wait_for(await socket.ping(b"x" * 125), 5)
            await asyncio.wait_for(await socket.ping(b""), 5)


async def close_codes(report, server):
    for code, reason in ((1000, ""), (1001, "leaving"), (3000, "r" * 123), (4999, "ü" * 61)):
        with report.check(f"closing handshake with {code}"):
            async with connect(server.url) as socket:
                await socket.close(code, reason)
                expect(socket.close_code == code, f"closed with {socket.close_code}")
                expect(socket.protocol.close_rcvd is not None, "no close frame came back")
    with report.check("a message over the limit gets 1009"):
        async with connect(server.url, compression=None) as socket:
            try:
                await socket.send(bytes((1 << 20) + 1))
                await socket.recv()
            except ConnectionClosed as closed:
                expect(closed.rcvd is not None and closed.rcvd.code == 1009, f"{closed}")
            else:
                expect(False, "it was taken")


async def many(report, server, count=500):
    with report.check(f"{count} connections at once"):
        sockets = []
        for start in range(0, count, 50):
            sockets += await asyncio.gather(
                *(connect(server.url, ping_interval=None) for _ in range(start, start + 50)))
        for number, socket in enumerate(sockets):
            await socket.send(f"client {number}")
        for number, socket in enumerate(sockets):
            expect(await socket.recv() == f"client {number}", "another client's message came")
        await asyncio.gather(*(socket.close() for socket in sockets))


async def in_flight(report, server, count=5000):
    with report.check(f"{count} messages in flight come back in order"):
        async with connect(server.url) as socket:
            async def sender():
                for number in range(count):
                    await socket.send(str(number))
            task = asyncio.create_task(sender())
            for number in range(count):
                expect(await socket.recv() == str(number), f"not {number}")
            await task


async def subprotocol(report, server):
    with report.check("a subprotocol that nobody speaks is not confirmed"):
        async with connect(server.url, subprotocols=["nobody.v1"]) as socket:
            expect(socket.subprotocol is None, f"{socket.subprotocol} was confirmed")
            await socket.send("x")
            expect(await socket.recv() == "x", "no echo")
    with report.check("an offer of compression is declined or kept"):
        async with connect(server.url, compression="deflate") as socket:
            await socket.send("a" * 5000)
            expect(await socket.recv() == "a" * 5000, "other text came back")


def run_node(report, server):
    report.group = "node-ws"
    node = shutil.which("node") or shutil.which("nodejs")
    if not node:
        report.line("node is installed", False, "run Scripts/install-dependencies.sh test")
        return
    script = pathlib.Path(__file__).with_name("client.cjs")
    environment = dict(os.environ, NODE_PATH="/usr/share/nodejs")
    result = subprocess.run([node, script, server.url], env=environment, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=120, check=False)
    for line in result.stdout.splitlines():
        mark, _, rest = line.partition("\t")
        name, _, detail = rest.partition("\t")
        report.line(name, mark == "ok", detail)
    report.line("the client ran to its end", result.returncode == 0,
                result.stderr.strip().splitlines()[-1] if result.stderr.strip() else
                f"status {result.returncode}")


def version():
    return websockets.__version__
