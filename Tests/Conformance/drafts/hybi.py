"""hybi-07 and hybi-08 to -12 on the wire, which frame as RFC 6455 does."""

import base64
import hashlib
import os
import struct
from dataclasses import dataclass

from .http import Request, accepted
from .peer import Ended

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def accept_value(key):
    return base64.b64encode(hashlib.sha1(key.encode("ascii") + GUID).digest()).decode("ascii")


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, width=None):
    """A frame as a client sends it; `width` forces 16 or 64 bits for the length."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if masked else 0
    count = len(payload)
    if width == 64 or (width is None and count > 0xFFFF):
        head = struct.pack(">BBQ", first, bit | 127, count)
    elif width == 16 or count > 125:
        head = struct.pack(">BBH", first, bit | 126, count)
    else:
        head = struct.pack(">BB", first, bit | count)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + mask(payload, key)


def mask(payload, key):
    if not payload:
        return b""
    pad = (key * (len(payload) // 4 + 1))[: len(payload)]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return number.to_bytes(len(payload), "big")


def close_payload(code, reason=b""):
    return struct.pack(">H", code) + reason


@dataclass
class Frame:
    fin: bool
    rsv: int
    opcode: int
    payload: bytes

    @property
    def close_code(self):
        return struct.unpack(">H", self.payload[:2])[0] if len(self.payload) >= 2 else None


class HyBi:
    def __init__(self, version, name, origin_field):
        self.version = version
        self.name = name
        self.prefix = f"V{version}"
        self.generation = f"v{version}"
        # What clients of this version called the field that names their page.
        self.origin_field = origin_field

    def origin(self, trial, host_field=None):
        options = trial.options
        return options.origin or options.target.origin_of(host_field or options.target.host_field)

    def request(self, trial, query="", key=KEY):
        target = trial.options.target
        return Request(
            target.path + query,
            (
                ("Host", target.host_field),
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Key", key),
                (self.origin_field, self.origin(trial)),
                ("Sec-WebSocket-Version", str(self.version)),
            ),
        )

    def open(self, trial, request=None, first=b""):
        peer = trial.connect()
        request = request or self.request(trial)
        peer.send(request.bytes + first)
        self.check_response(peer, request)
        return peer

    def check_response(self, peer, request):
        head = accepted(peer)
        trial = peer.trial
        trial.equal(
            head.one(trial, "Sec-WebSocket-Accept"),
            accept_value(request.value("Sec-WebSocket-Key")),
            "Sec-WebSocket-Accept",
        )
        return head

    # Frames

    def frame(self, peer):
        """The next frame of the server, whose form is checked."""
        trial = peer.trial
        first, second = peer.exactly(2, "frame")
        trial.must(not second & 0x80, "the server masks its frames")
        count = second & 0x7F
        if count == 126:
            (count,) = struct.unpack(">H", peer.exactly(2, "length"))
            trial.should(count > 125, "the server sends a length in more bytes than it needs")
        elif count == 127:
            (count,) = struct.unpack(">Q", peer.exactly(8, "length"))
            trial.should(count > 0xFFFF, "the server sends a length in more bytes than it needs")
        opcode, rsv, fin = first & 0x0F, first >> 4 & 7, bool(first & 0x80)
        trial.must(rsv == 0, "the server sets reserved bits")
        trial.must(opcode in (0, 1, 2, 8, 9, 10), f"the server sent opcode {opcode:X}")
        if opcode & 8:
            trial.must(fin and count < 126, "the server sent a malformed control frame")
        return Frame(fin, rsv, opcode, peer.exactly(count, "payload"))

    def message(self, peer):
        """The next data message, (opcode, payload); pings of the server are passed over."""
        trial = peer.trial
        opcode, payload = None, b""
        while True:
            part = self.frame(peer)
            if part.opcode in (PING, PONG):
                continue
            trial.must(part.opcode != CLOSE, f"the server closed with {part.close_code}")
            trial.must(
                (part.opcode == CONTINUATION) == (opcode is not None),
                "the server fragments wrongly",
            )
            opcode = part.opcode if opcode is None else opcode
            payload += part.payload
            if part.fin:
                break
        if opcode == TEXT:
            try:
                payload.decode("utf-8")
            except UnicodeDecodeError:
                trial.must(False, "the server sent text that is not UTF-8")
        return opcode, payload

    def expect_message(self, peer, opcode, payload):
        echoed_opcode, echoed = self.message(peer)
        peer.trial.equal(echoed, payload, "the echo")
        peer.trial.equal(echoed_opcode, opcode, "the opcode of the echo")

    def expect_text(self, peer, payload):
        self.expect_message(peer, TEXT, payload)

    def echo(self, peer, payload, *segments, opcode=TEXT):
        peer.send(*(segments or (frame(opcode, payload),)))
        self.expect_message(peer, opcode, payload)

    def expect_pong(self, peer, payload):
        while True:
            part = self.frame(peer)
            if part.opcode == PONG:
                break
            peer.trial.must(part.opcode == PING, f"opcode {part.opcode:X} instead of a pong")
        peer.trial.equal(part.payload, payload, "the pong's payload")

    def expect_closed(self, peer, codes=None):
        """Reads until the server has ended the connection; returns its Close frame, if any.

        `codes` are the status codes that fit; another one is remarked. No data may come.
        """
        trial = peer.trial
        closing = None
        while True:
            try:
                part = self.frame(peer)
            except Ended:
                trial.must(not peer.received, "the connection ended within a frame")
                break
            if closing is not None:
                trial.must(False, "the server sent a frame behind its Close frame")
            if part.opcode == CLOSE:
                closing = part
                trial.must(len(part.payload) != 1, "a Close frame with half a code")
                continue
            trial.expect(part.opcode in (PING, PONG), f"the server echoed opcode {part.opcode:X}")
        if closing is not None and codes is not None:
            trial.should(
                closing.close_code in codes,
                f"closed with {closing.close_code}, better {' or '.join(map(str, codes))}",
            )
        return closing

    def check_alive(self, trial):
        peer = self.open(trial)
        self.echo(peer, b"still alive")
        peer.close()


V7 = HyBi(7, "hybi-07", "Sec-WebSocket-Origin")
V8 = HyBi(8, "hybi-08 to -12", "Sec-WebSocket-Origin")
V13 = HyBi(13, "RFC 6455", "Origin")
