"""Peers that do not read what they are sent, do not answer, or are not there any more."""

import contextlib
import os
import socket
import threading
import time

from harness import BINARY, CLOSE, PING, PONG, TEXT, Ended, close_payload
from suite import MEBIBYTE, attack, drain, eventually, expect, frame

#: Little room in the kernel, so that what a peer does not read soon waits in the server.
SMALL_BUFFER = 4096


def flood(peer, data, count, seconds):
    """Sends `data` so many times, as far as the server takes it in the given time. Returns the
    count of bytes it took."""
    peer.socket.settimeout(seconds)
    deadline = time.monotonic() + seconds
    sent = 0
    with contextlib.suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
        for _ in range(count):
            if time.monotonic() > deadline:
                break
            view = memoryview(data)
            while len(view):
                taken = peer.socket.send(view)
                sent += taken
                view = view[taken:]
    return sent


@attack(62, "pings without end whose pongs nobody reads")
def row62_ping_flood(ground):
    batch = b"".join(frame(PING, os.urandom(125)) for _ in range(500))
    with ground.open(receive_buffer=SMALL_BUFFER) as peer:
        sent = flood(peer, batch, 2000, 4)
        ground.note(f"{sent / MEBIBYTE:.0f} MiB of pings taken")
        expect(sent > 5 * MEBIBYTE, "the server stopped reading: a pong is not owed for each ping")


@attack(62, "to a peer that reads again, the latest ping is answered")
def row62_latest_ping(ground):
    with ground.open(receive_buffer=SMALL_BUFFER) as peer:
        flood(peer, frame(BINARY, bytes(60000)), 4, 1)
        for number in range(3000):
            peer.send(frame(PING, b"%d" % number + bytes(100)))
        peer.socket.settimeout(5)
        latest = None
        while latest is None or not latest.startswith(b"2999"):
            _, opcode, payload = peer.frame()
            if opcode == PONG:
                latest = payload


@attack(63, "echoes of big messages that nobody reads")
def row63_unread_big(ground):
    with ground.peers(4, receive_buffer=SMALL_BUFFER) as peers:
        message = frame(BINARY, os.urandom(900_000))
        workers = [threading.Thread(target=flood, args=(peer, message, 100, 4)) for peer in peers]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


@attack(63, "echoes of tiny messages that nobody reads")
def row63_unread_tiny(ground):
    batch = frame(TEXT, b"tiny") * 10_000
    with ground.peers(4, receive_buffer=SMALL_BUFFER) as peers:
        workers = [threading.Thread(target=flood, args=(peer, batch, 1000, 4)) for peer in peers]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()


@attack(64, "30 slow readers at once")
def row64_slow_readers(ground):
    message = frame(BINARY, os.urandom(100_000))
    with ground.peers(30, receive_buffer=SMALL_BUFFER) as peers:
        for peer in peers:
            peer.socket.setblocking(False)
        deadline = time.monotonic() + 5
        views = [memoryview(message * 4) for _ in peers]
        while time.monotonic() < deadline:
            for number, peer in enumerate(peers):
                with contextlib.suppress(BlockingIOError, ConnectionResetError, BrokenPipeError):
                    taken = peer.socket.send(views[number])
                    views[number] = views[number][taken:] or memoryview(message * 4)
                with contextlib.suppress(BlockingIOError, ConnectionResetError):
                    peer.socket.recv(512)
            time.sleep(0.01)


@attack(64, "not a byte is lost to a reader that resumes")
def row64_resumes(ground):
    count, size = 40, 100_000
    with ground.open(receive_buffer=SMALL_BUFFER, timeout=20) as peer:
        messages = [os.urandom(size) for _ in range(count)]

        def send():
            for message in messages:
                peer.send(frame(BINARY, message))

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(4)
        for message in messages:
            peer.expect_echo(BINARY, message)
        sender.join()


@attack(65, "peers that vanish: silent, in half a frame, in half a message, with output waiting",
        is_short=False)
def row65_half_open(ground):
    """Nothing is answered, as if the network were gone: cut after 20 s of silence and 20 s without
    a pong, or 10 s with unread output."""
    with contextlib.ExitStack() as stack:
        silent, half_frame, half_message, stuck = (
            stack.enter_context(ground.open(receive_buffer=SMALL_BUFFER)) for _ in range(4))
        since = time.monotonic()
        half_frame.send(frame(BINARY, b"x" * 1000)[:500])
        half_message.send(frame(TEXT, b"half", fin=False))
        flood(stuck, frame(BINARY, bytes(500_000)), 20, 1)
        ends = {}
        for name, peer in (("stuck", stuck), ("silent", silent), ("half frame", half_frame),
                           ("half message", half_message)):
            peer.socket.settimeout(50 - (time.monotonic() - since))
            with contextlib.suppress(Ended, TimeoutError, ConnectionResetError):
                while True:
                    peer.socket.recv(1 << 16) or peer.fill()
            ends[name] = time.monotonic() - since
        ground.note(", ".join(f"{name} {seconds:.0f} s" for name, seconds in ends.items()))
        expect(max(ends.values()) < 47, f"too late: {ends}")


@attack(66, "a failed connection whose peer never answers")
def row66_never_answers(ground):
    with ground.open() as peer:
        peer.send(frame(3, b""))
        expect(peer.closing() == 1002, "not failed with 1002")
        before = ground.server.descriptors()
        # The peer's end stays open, and it goes on sending.
        deadline = time.monotonic() + 8
        while ground.server.descriptors() >= before:
            expect(time.monotonic() < deadline, "the server keeps the connection")
            peer.send(frame(TEXT, b"still here"))
            time.sleep(0.1)


@attack(66, "a Close frame that is never followed by the end of the stream")
def row66_never_ends(ground):
    with ground.open() as peer:
        before = ground.server.descriptors()
        peer.send(frame(CLOSE, close_payload(1000)))
        expect(peer.closing() == 1000, "not closed with 1000")
        eventually(lambda: ground.server.descriptors() < before, "TCP was kept", 7)


@attack(67, "ends of every kind in every state, 20 times")
def row67_ends(ground):
    from harness import opening
    states = {
        "nothing sent": None,
        "half a head": opening()[:40],
        "open": b"",
        "half a header": frame(BINARY, bytes(300))[:3],
        "half a frame": frame(BINARY, bytes(300))[:200],
        "half a message": frame(TEXT, b"x", fin=False),
        "output waiting": frame(BINARY, bytes(800_000)),
        "closing": frame(CLOSE, close_payload(1000)),
        "failed": frame(3, b""),
    }
    for _ in range(20):
        for name, data in states.items():
            for ends_with_reset in (False, True):
                peer = ground.peer(receive_buffer=SMALL_BUFFER)
                if name == "half a head":
                    peer.send(data)
                elif data is not None:
                    peer.shake()
                    peer.send(data)
                if ends_with_reset:
                    peer.reset()
                else:
                    with contextlib.suppress(OSError):
                        peer.socket.shutdown(socket.SHUT_WR)
                    peer.socket.close()


@attack(70, "a Close frame while a large echo is on its way")
def row70_close_while_writing(ground):
    for _ in range(20):
        with ground.open(receive_buffer=SMALL_BUFFER, timeout=10) as peer:
            payload = os.urandom(900_000)
            peer.send(frame(BINARY, payload) + frame(CLOSE, close_payload(1000)))
            peer.expect_echo(BINARY, payload)
            expect(peer.closing() == 1000, "not closed with 1000")
            peer.socket.shutdown(socket.SHUT_WR)
            drain(peer)
