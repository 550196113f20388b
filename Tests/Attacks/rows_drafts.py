"""The protocols before RFC 6455, whose handshakes and frames are laxer than anything today."""

import hashlib
import struct
import time

from harness import BINARY, PING, TEXT, Ended
from requests import accepted, refused, request, upgrade
from suite import attack, drain, expect, frame

ALL = ("--protocols", "all", "--max-message-size", "100000")


def hixie(*lines, key3=b""):
    """A request of a hixie draft."""
    return request("Host: h", "Upgrade: WebSocket", "Connection: Upgrade",
                   *lines) + key3


def hixie76(key1="4 @1  46546xW%0l 1 5", key2="12998 5 Y3 1  .P00", key3=b"^n:ds[4U"):
    return hixie("Origin: http://h", f"Sec-WebSocket-Key1: {key1}", f"Sec-WebSocket-Key2: {key2}",
                 key3=key3)


def open76(ground, **options):
    """An open connection of hixie-76."""
    peer = ground.peer()
    peer.send(hixie76(**options))
    expect(peer.answer().status == 101, "no 101")
    digest = peer.take(16)
    parts = struct.pack(">II", 829309203, 259970620)
    expect(digest == hashlib.md5(parts + b"^n:ds[4U").digest(), "the wrong proof")
    return peer


def closes(peer, data, within=3.0):
    """Insists that the stream ends soon, without an echo, after these bytes."""
    since = time.monotonic()
    peer.send(data)
    drain(peer, 6)
    expect(time.monotonic() - since < within, f"{time.monotonic() - since:.1f} s to the end")


@attack(36, "keys of hixie-76: no spaces, no digits, too large, indivisible, empty, long", serve=ALL)
def row36_keys(ground):
    for key in ("123", "no digits here", "9" * 30 + " 1", "4294967296 ", "10  3   ", "1 1 1", "",
                " ", "1" + " " * 3000, "x" * 3000, "5 3\xff", "0", "1 2\t"):
        for keys in ({"key1": key}, {"key2": key}):
            data = hixie76(**keys)
            with ground.peer() as peer:
                peer.send(data)
                answer = peer.answer()
                # What divides is a key, however odd it looks.
                digits = "".join(filter(str.isdigit, key))
                spaces = key.strip(" \t").count(" ")
                sound = digits and spaces and int(digits) < 1 << 32 and int(digits) % spaces == 0
                expect(answer.status == (101 if sound else 400), f"{key[:30]!r}: {answer.line!r}")


@attack(37, "the eight bytes behind a hixie-76 head: split, glued to a frame, late", serve=ALL)
def row37_key3(ground):
    data = hixie76()
    for cut in range(len(data) - 10, len(data)):
        with ground.peer() as peer:
            peer.send(data[:cut])
            time.sleep(0.01)
            peer.send(data[cut:] + b"\x00glued\xff")
            expect(peer.answer().status == 101, "no 101")
            peer.take(16)
            expect(peer.take(7) == b"\x00glued\xff", "the frame behind the key was lost")


@attack(37, "the eight bytes behind a hixie-76 head never come", serve=ALL, is_short=False)
def row37_key3_missing(ground):
    with ground.peer(timeout=14) as peer:
        since = time.monotonic()
        peer.send(hixie76()[:-3])
        try:
            peer.fill()
            expect(peer.buffer.startswith(b"HTTP/1.1 408 "), f"answered {peer.buffer[:40]!r}")
        except Ended:
            pass
        expect(8 <= time.monotonic() - since <= 13, "not after 10 s")


@attack(38, "lengths of hixie binary frames: without end, and too large", serve=ALL)
def row38_lengths(ground):
    for data in (b"\xff" * 64, b"\x80" + b"\x80" * 64, b"\x80" + b"\xff" * 9 + b"\x7f",
                 b"\x80\x87\xff\xff\x7f", b"\xff\x81" + b"\x80" * 20):
        with open76(ground) as peer:
            closes(peer, data)
    with open76(ground) as peer:
        peer.send(b"\x80\x83\x00" + b"z" * 384 + b"\x00after\xff")
        expect(peer.take(7) == b"\x00after\xff", "a small binary frame was not passed over")


@attack(39, "a hixie text frame without end", serve=ALL)
def row39_endless_text(ground):
    for start in (b"\x00", b"\x01"):
        with open76(ground) as peer:
            closes(peer, start + b"x" * 200_000)


@attack(40, "versions 7, 8 and 13 without Upgrade or Connection")
def row40_draft_gate(ground):
    for version in ("4", "5", "6", "7", "8", "13"):
        for without in ("Upgrade", "Connection"):
            refused(ground, upgrade(without=(without,), Sec_WebSocket_Version=version), {400, 426})


@attack(41, "hixie-75, where it is spoken and where it is not", serve=("--protocols", "hixie76,rfc6455"))
def row41_hixie75(ground):
    refused(ground, hixie("Origin: http://h"), {400, 426})
    refused(ground, hixie(), {400, 426})


@attack(41, "hixie-75 spoken", serve=ALL)
def row41_hixie75_spoken(ground):
    refused(ground, hixie(), {400})
    with ground.peer() as peer:
        peer.send(hixie("Origin: http://h") + b"\x00hello\xff")
        expect(peer.answer().status == 101, "no 101")
        expect(peer.take(7) == b"\x00hello\xff", "no echo")
        closes(peer, b"\x00\xc3\x28\xff")


@attack(42, "versions 7 and 8 are as strict about frames as 13")
def row42_draft_frames(ground):
    for version in ("7", "8"):
        hello = upgrade(Sec_WebSocket_Version=version)
        for data, code in ((frame(TEXT, b"a", masked=False), 1002), (frame(TEXT, b"a", reserved=4), 1002),
                           (frame(TEXT, b"a", reserved=2), 1002), (frame(3, b"a"), 1002),
                           (frame(PING, b"a" * 126), 1002), (frame(PING, b"", fin=False), 1002),
                           (frame(0, b"a"), 1002), (frame(TEXT, b"a", form=16), 1002),
                           (frame(TEXT, b"\xff"), 1007),
                           (frame(BINARY, b"", form=64, length=1 << 63), 1002)):
            with ground.peer() as peer:
                peer.send(hello)
                expect(peer.answer().status == 101, "no 101")
                peer.send(data)
                got = peer.closing()
                expect(got == code, f"version {version}: {data[:4].hex()} closed with {got}")
    for version in ("0", "1", "2", "3", "4", "5", "6"):
        refused(ground, upgrade(Sec_WebSocket_Version=version), {426})


@attack(43, "two dialects in one request", serve=ALL)
def row43_two_dialects(ground):
    keys = ("Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5", "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00",
            "Origin: http://h")
    # The strictest wins, and its frames are the ones spoken.
    accepted(ground, upgrade(*keys))
    refused(ground, upgrade(*keys, without=("Sec-WebSocket-Version",)), {400})
    refused(ground, upgrade(*keys, Sec_WebSocket_Version="99"), {426})
    refused(ground, upgrade(*keys, without=("Sec-WebSocket-Key",)), {400})
    refused(ground, hixie(keys[0], keys[2]), {400})
    refused(ground, hixie("Sec-WebSocket-Draft: 2", *keys), {400, 426})


@attack(44, "drafts that are switched off", serve=("--protocols", "rfc6455"))
def row44_strict(ground):
    for version in ("7", "8"):
        refused(ground, upgrade(Sec_WebSocket_Version=version), {426}, sec_websocket_version="13")
    refused(ground, hixie76(), {426}, sec_websocket_version="13")
    refused(ground, hixie("Origin: http://h"), {426}, sec_websocket_version="13")


@attack(44, "hixie drafts are off by default")
def row44_default(ground):
    refused(ground, hixie76(), {426}, sec_websocket_version="13, 8, 7")
    refused(ground, hixie("Origin: http://h"), {426}, sec_websocket_version="13, 8, 7")
