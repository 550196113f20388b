"""Frames that break RFC 6455: what is wrong ends the connection with the code that says so, at the
byte that makes it wrong, and never reaches the application."""

import contextlib
import random
import socket
import time

from harness import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Ended, close_payload
from suite import attack, drain, expect, frame

#: Sequences that are not UTF-8: stray and missing continuations, overlong forms, surrogates, what
#: lies above U+10FFFF, and bytes that never occur.
INVALID = [b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc2A", b"\xc2\xc2", b"\xe0\x80\x80",
           b"\xe0\x9f\xbf", b"\xe1\x80A", b"\xe1A", b"\xed\xa0\x80", b"\xed\xbf\xbf",
           b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf1\x80\x80A", b"\xf4\x90\x80\x80",
           b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff"]
VALID = "a\x00é\u07ff\u0800\ud7ff\ue000\uffff\ufdd0\U00010000\U0010ffff κόσμε".encode()


def closes(ground, data, code, **options):
    """Sends frames on a connection of their own: nothing comes back but a Close frame with this
    code, and the end."""
    with ground.open(**options) as peer:
        peer.send(data)
        opcode, payload = peer.message()
        expect(opcode == CLOSE, f"{data[:8].hex()}: opcode {opcode} came before the Close frame")
        got = int.from_bytes(payload[:2], "big")
        expect(got == code, f"{data[:8].hex()} closed with {got}, not {code}")
        payload[2:].decode()
        peer.send(frame(CLOSE, payload[:2]))
        peer.expect_end()


@attack(45, "frames without a mask, whose payload the application never sees")
def row45_unmasked(ground):
    for opcode in (TEXT, BINARY, CONTINUATION, PING, PONG, CLOSE):
        closes(ground, frame(opcode, b"", masked=False), 1002)
        closes(ground, frame(opcode, b"secret", masked=False), 1002)
    closes(ground, frame(TEXT, b"x" * 70_000, masked=False), 1002)
    closes(ground, b"\x81\x00", 1002)


@attack(46, "reserved bits and opcodes")
def row46_reserved(ground):
    for opcode in (TEXT, BINARY, CONTINUATION, PING, PONG, CLOSE):
        for reserved in range(1, 8):
            closes(ground, frame(opcode, b"", reserved=reserved), 1002)
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for fin in (True, False):
            closes(ground, frame(opcode, b"x", fin=fin), 1002)
    # The first byte alone is enough.
    closes(ground, b"\x83", 1002)
    closes(ground, b"\xc1", 1002)


@attack(47, "control frames that are too long, or fragments: at the header")
def row47_control(ground):
    for opcode in (PING, PONG, CLOSE):
        closes(ground, frame(opcode, b"", form=16, length=126), 1002)
        closes(ground, frame(opcode, b"", form=64, length=1 << 40), 1002)
        closes(ground, frame(opcode, b"x", fin=False), 1002)
        closes(ground, bytes([0x80 | opcode, 0xFE]), 1002)


@attack(48, "lengths in more bytes than they need")
def row48_minimal(ground):
    for length, form in ((0, 16), (125, 16), (0, 64), (126, 64), (65535, 64)):
        closes(ground, frame(BINARY, b"x" * length, form=form), 1002)
    for length in (125, 126, 127, 65535, 65536):
        with ground.open() as peer:
            peer.send(frame(BINARY, b"x" * length))
            peer.expect_echo(BINARY, b"x" * length)


@attack(52, "continuations of nothing, messages within messages")
def row52_sequence(ground):
    for fin in (True, False):
        closes(ground, frame(CONTINUATION, b"x", fin=fin), 1002)
        for first in (TEXT, BINARY):
            for second in (TEXT, BINARY):
                closes(ground, frame(first, b"a", fin=False) + frame(second, b"b", fin=fin), 1002)
    with ground.open() as peer:
        peer.send(frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b"))
        peer.expect_echo(TEXT, b"ab")
        peer.send(frame(CONTINUATION, b"c"))
        expect(peer.closing() == 1002, "a continuation behind the last fragment")


@attack(53, "control frames between fragments")
def row53_between(ground):
    with ground.open() as peer:
        peer.send(frame(TEXT, b"a", fin=False) + frame(PING, b"now"))
        expect(peer.message() == (PONG, b"now"), "no pong at once")
        peer.send(frame(PONG, b"unasked") + frame(CONTINUATION, b"b", fin=False) + frame(PING))
        expect(peer.message() == (PONG, b""), "no pong at once")
        peer.send(frame(CONTINUATION, b"c"))
        peer.expect_echo(TEXT, b"abc")
    closes(ground, frame(TEXT, b"a", fin=False) + frame(CLOSE, close_payload(1000)), 1000)


@attack(56, "text that is not UTF-8: 20 families, cut at every byte, in fragments")
def row56_invalid(ground):
    for bad in INVALID:
        closes(ground, frame(TEXT, bad), 1007)
        closes(ground, frame(TEXT, "plain κ".encode() + bad), 1007)
        closes(ground, frame(TEXT, b"x" * 70_000 + bad + b"y" * 70_000), 1007)
        for cut in range(len(bad) + 1):
            closes(ground, frame(TEXT, b"a" + bad[:cut], fin=False)
                   + frame(CONTINUATION, bad[cut:] + b"b"), 1007)
    for unfinished in (b"\xc2", b"\xe1\x80", b"\xf1\x80\x80"):
        closes(ground, frame(TEXT, unfinished), 1007)
        closes(ground, frame(TEXT, unfinished, fin=False) + frame(CONTINUATION), 1007)


@attack(57, "text that is UTF-8, cut everywhere, with every kind of character")
def row57_valid(ground):
    text = VALID
    with ground.open() as peer:
        for cut in range(len(text) + 1):
            peer.send(frame(TEXT, text[:cut], fin=False) + frame(CONTINUATION, text[cut:]))
            peer.expect_echo(TEXT, text)
            data = frame(TEXT, text)
            peer.send(data[:cut])
            peer.send(data[cut:])
            peer.expect_echo(TEXT, text)
        for at in range(len(text)):
            peer.send(frame(CONTINUATION if at else TEXT, text[at:at + 1], fin=at == len(text) - 1))
        peer.expect_echo(TEXT, text)


@attack(58, "the bad byte is refused at once: in a fragment, and in half a frame")
def row58_fail_fast(ground):
    for bad in (b"\xff", b"\xc0", b"\xed\xa0", b"\xf4\x90", b"ok \xe2\x28"):
        since = time.monotonic()
        closes(ground, frame(TEXT, bad, fin=False), 1007)
        closes(ground, frame(TEXT, b"fine", fin=False) + frame(CONTINUATION, bad, fin=False), 1007)
        # Half of a frame of 1000 bytes; the rest never comes.
        closes(ground, frame(TEXT, b"x" * 20 + bad + b"y" * 978)[:100], 1007)
        closes(ground, frame(TEXT, b"x" * 199_990 + bad + b"y" * 300_000)[:250_000], 1007)
        expect(time.monotonic() - since < 4, "not at once")


@attack(59, "Close frames that are wrong")
def row59_close(ground):
    closes(ground, frame(CLOSE, b"x"), 1002)
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
        closes(ground, frame(CLOSE, close_payload(code)), 1002)
        closes(ground, frame(CLOSE, close_payload(code, b"why")), 1002)
    for bad in INVALID:
        closes(ground, frame(CLOSE, close_payload(1000, bad)), 1007)


@attack(60, "Close frames that are right: the same code, and the end by the server")
def row60_close(ground):
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
                 4000, 4999):
        with ground.open() as peer:
            since = time.monotonic()
            peer.send(frame(CLOSE, close_payload(code, "gründe".encode() * 10)))
            opcode, payload = peer.message()
            expect(opcode == CLOSE and payload[:2] == close_payload(code), f"not {code} back")
            peer.expect_end()
            expect(time.monotonic() - since < 1, "the server did not end TCP within 1 s")
    with ground.open() as peer:
        peer.send(frame(CLOSE))
        expect(peer.message() == (CLOSE, b""), "a Close frame without a code has one back")
        peer.expect_end()


@attack(61, "data, pings, another Close frame, garbage behind a Close frame")
def row61_behind_close(ground):
    for more in (frame(TEXT, b"late"), frame(PING, b"late"), frame(CLOSE, close_payload(1001)),
                 b"\xff" * 100, frame(TEXT, b"x" * 200_000), frame(TEXT, b"half")[:5]):
        with ground.open() as peer:
            peer.send(frame(CLOSE, close_payload(1000)) + more)
            expect(peer.message() == (CLOSE, close_payload(1000)), "not 1000 back")
            peer.expect_end()


@attack(72, "mutated frames; and random ones that are valid come back exactly")
def row72_random(ground):
    numbers = random.Random(72)
    with ground.open() as peer:
        for _ in range(300):
            payload = numbers.randbytes(numbers.choice((0, 1, 3, 125, 126, 1000, 65536)))
            cuts = sorted(numbers.randrange(len(payload) + 1) for _ in range(numbers.randrange(4)))
            parts = [payload[start:end] for start, end in zip([0, *cuts], [*cuts, len(payload)])]
            for index, part in enumerate(parts):
                peer.send(frame(CONTINUATION if index else BINARY, part, fin=index == len(parts) - 1))
            peer.expect_echo(BINARY, payload)
    for _ in range(300):
        data = bytearray(frame(numbers.choice((0, 1, 2, 8, 9, 10)), numbers.randbytes(40)) * 3)
        for _ in range(numbers.randint(1, 5)):
            data[numbers.randrange(len(data))] = numbers.randrange(256)
        with ground.open(timeout=2) as peer, contextlib.suppress(Ended, TimeoutError):
            peer.send(bytes(data) + frame(CLOSE, close_payload(1000)))
            # A length may have become one for which the server waits in vain.
            peer.socket.shutdown(socket.SHUT_WR)
            drain(peer, 8)
