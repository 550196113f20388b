"""draft-hixie-75 and draft-hixie-76 on the wire: requests, keys, answers and frames."""

import hashlib
import struct

from .http import Request, accepted

CLOSE_FRAME = b"\xff\x00"

# The challenge that is printed in draft-hixie-76, section 1.2.
KEY1 = "18x 6]8vM;54 *(5:  {   U1]8  z [  8"
KEY2 = "1_ tx7X d  <  nw  334J702) 7]o}` 0"
KEY3 = b"Tm[K T2u"


def text_frame(payload):
    return b"\x00" + payload + b"\xff"


def length_prefix(value):
    """A length in groups of seven bits, the most significant first."""
    groups = [value & 0x7F]
    while value > 0x7F:
        value >>= 7
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def part(key):
    """The number in a key, divided by the number of its spaces. draft-hixie-76 section 5.2."""
    number = int("".join(character for character in key if character in "0123456789"))
    quotient, remainder = divmod(number, key.count(" "))
    assert remainder == 0, "the suite's own keys are proper"
    return quotient


def answer(key1, key2, key3):
    return hashlib.md5(struct.pack(">II", part(key1), part(key2)) + key3).digest()


class Hixie:
    """What the two drafts have in common; frames are the same in both."""

    has_closing_handshake = False

    def origin(self, trial, host_field=None):
        options = trial.options
        return options.origin or options.target.origin_of(host_field or options.target.host_field)

    def open(self, trial, request=None, first=b""):
        """A connection with its opening handshake done; `first` is glued to the request."""
        peer = trial.connect()
        request = request or self.request(trial)
        peer.send(request.bytes + first)
        self.check_response(peer, request)
        return peer

    def frame(self, peer):
        """The next frame: its payload, or None for the Close frame."""
        trial = peer.trial
        kind = peer.exactly(1, "frame")[0]
        if kind == 0xFF:
            length = peer.exactly(1, "length of a frame FF")
            trial.must(length == b"\x00", "the server sent a frame FF that is not empty")
            return None
        trial.must(kind == 0, f"the server sent a frame of type {kind:02X}")
        payload = peer.until(b"\xff", "end of the text frame")[:-1]
        try:
            payload.decode("utf-8")
        except UnicodeDecodeError:
            trial.must(False, "the server sent text that is not UTF-8")
        return payload

    def expect_text(self, peer, payload):
        echoed = self.frame(peer)
        peer.trial.must(echoed is not None, "the server closed instead of sending an echo")
        peer.trial.equal(echoed, payload, "the echo")

    def echo(self, peer, payload, *segments):
        """Sends a text, in these segments if there are any, and expects it back."""
        peer.send(*(segments or (text_frame(payload),)))
        self.expect_text(peer, payload)

    def check_alive(self, trial):
        """A fresh connection still echoes: the case did no harm to others."""
        peer = self.open(trial)
        self.echo(peer, b"still alive")
        peer.close()


class Hixie75(Hixie):
    name = "draft-hixie-75"
    prefix = "H75"
    generation = "h75"
    origin_field = "WebSocket-Origin"
    location_field = "WebSocket-Location"
    protocol_field = "WebSocket-Protocol"

    def request(self, trial, query="", path=None, host_field=None):
        target = trial.options.target
        return Request(
            (path or target.path) + query,
            (
                ("Upgrade", "WebSocket"),
                ("Connection", "Upgrade"),
                ("Host", host_field or target.host_field),
                ("Origin", self.origin(trial, host_field)),
            ),
        )

    def check_response(self, peer, request):
        return accepted(peer)


class Hixie76(Hixie):
    name = "draft-hixie-76"
    prefix = "H76"
    generation = "h76"
    has_closing_handshake = True
    origin_field = "Sec-WebSocket-Origin"
    location_field = "Sec-WebSocket-Location"
    protocol_field = "Sec-WebSocket-Protocol"

    def request(self, trial, query="", path=None, host_field=None, keys=(KEY1, KEY2, KEY3)):
        target = trial.options.target
        return Request(
            (path or target.path) + query,
            (
                ("Upgrade", "WebSocket"),
                ("Connection", "Upgrade"),
                ("Host", host_field or target.host_field),
                ("Origin", self.origin(trial, host_field)),
                ("Sec-WebSocket-Key1", keys[0]),
                ("Sec-WebSocket-Key2", keys[1]),
            ),
            tail=keys[2],
        )

    def check_response(self, peer, request):
        head = accepted(peer)
        expected = answer(
            request.value("Sec-WebSocket-Key1"), request.value("Sec-WebSocket-Key2"), request.tail
        )
        peer.trial.equal(peer.exactly(16, "answer to the challenge"), expected, "the answer")
        return head


H75 = Hixie75()
H76 = Hixie76()
