"""Messages that are to make the server keep, or do, more than one peer is worth."""

import contextlib
import threading
import time

from harness import BINARY, CONTINUATION, PING, TEXT
from suite import MEBIBYTE, attack, drain, expect, frame

LIMIT = MEBIBYTE


def pump(peer, data, seconds):
    """Sends `data` again and again until the server ends the connection or the time is over."""
    peer.socket.settimeout(seconds)
    deadline = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline:
            peer.socket.sendall(data)


def read_all(peer):
    with contextlib.suppress(OSError):
        while peer.socket.recv(1 << 18):
            pass


@attack(49, "lengths of 2^63 and more, 2^62, 2^40")
def row49_huge_lengths(ground):
    for length in ((1 << 64) - 1, 1 << 63, (1 << 63) - 1, 1 << 62, 1 << 40, LIMIT + 1):
        ground.expect_code(frame(BINARY, b"x", form=64, length=length), {1002, 1009})


@attack(50, "200 peers announce the longest message, and send little of it")
def row50_announced(ground):
    with ground.peers(200) as peers:
        for peer in peers:
            peer.send(frame(BINARY, b"x" * 100, form=64, length=LIMIT))
        time.sleep(0.5)
        growth = ground.server.resident_bytes()
        # Each may cost its block and one small buffer, never what it announced.
        ground.note(f"resident {growth / MEBIBYTE:.0f} MiB with all of them")


@attack(51, "fragments whose lengths add up to more than 64 bits hold")
def row51_length_overflow(ground):
    for last in ((1 << 64) - 1, (1 << 63) - 1, (1 << 63), LIMIT):
        ground.expect_code(
            frame(BINARY, b"x" * 9, fin=False)
            + frame(CONTINUATION, b"", form=64, length=last), {1002, 1009})


@attack(54, "empty fragments without end")
def row54_empty_fragments(ground):
    with ground.open() as peer:
        peer.send(frame(BINARY, b"", fin=False))
        peer.send(frame(CONTINUATION, b"", fin=False) * 20_000)
        code = peer.closing()
        expect(code in (1008, 1009), f"closed with {code}")


@attack(54, "fragments of one byte without end")
def row54_tiny_fragments(ground):
    with ground.open() as peer:
        peer.send(frame(TEXT, b"a", fin=False))
        peer.send(frame(CONTINUATION, b"b", fin=False) * 20_000)
        code = peer.closing()
        expect(code in (1008, 1009), f"closed with {code}")


@attack(54, "50 peers, each with 16,000 fragments of one byte and no end")
def row54_many_peers(ground):
    data = frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b", fin=False) * 16_000
    with ground.peers(50) as peers:
        for peer in peers:
            peer.send(data)
        time.sleep(0.5)


@attack(55, "a message without end in pieces of 64 KiB")
def row55_endless_message(ground):
    piece = frame(CONTINUATION, bytes(65536), fin=False)
    with ground.open() as peer:
        peer.send(frame(BINARY, bytes(65536), fin=False))
        for _ in range(16):
            peer.send(piece)
        code = peer.closing()
        expect(code == 1009, f"closed with {code}")
        peer.send(piece)
        drain(peer)


@attack(69, "100 peers trickle one frame each, byte by byte")
def row69_trickle(ground):
    data = frame(BINARY, b"x" * 100)
    with ground.peers(100) as peers:
        for index in range(len(data)):
            for peer in peers:
                peer.send(data[index:index + 1])
        for peer in peers:
            peer.expect_echo(BINARY, b"x" * 100)


def pumped(ground, data, peers=1, reads=True, seconds=3):
    """Has peers send without a pause, and read what comes back."""
    with ground.peers(peers) as clients:
        threads = [threading.Thread(target=pump, args=(peer, data, seconds)) for peer in clients]
        if reads:
            threads += [threading.Thread(target=read_all, args=(peer,), daemon=True)
                        for peer in clients]
        for thread in threads:
            thread.start()
        for thread in threads[:peers]:
            thread.join()
        for peer in clients:
            peer.reset()


@attack(71, "one peer pumps small messages", serve=("--loops", "1"))
def row71_small_messages(ground):
    pumped(ground, frame(TEXT, b"pump") * 20_000)


@attack(71, "one peer pumps empty messages", serve=("--loops", "1"))
def row71_empty_messages(ground):
    pumped(ground, frame(TEXT, b"") * 20_000)


@attack(71, "one peer pumps pings", serve=("--loops", "1"))
def row71_pings(ground):
    pumped(ground, frame(PING, b"") * 20_000)


@attack(71, "one peer pumps large messages", serve=("--loops", "1"))
def row71_large_messages(ground):
    pumped(ground, frame(BINARY, bytes(900_000)))


@attack(71, "eight peers pump empty fragments of one message each", serve=("--loops", "1"))
def row71_fragments(ground):
    batch = (frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 10_000
             + frame(CONTINUATION, b""))
    pumped(ground, batch, peers=8)
