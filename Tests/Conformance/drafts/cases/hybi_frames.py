"""hybi-07 and hybi-08 to -12: whole messages, lengths, masks, and what makes a frame unreadable."""

import struct

from ..case import MUST, SHOULD, Group
from ..hybi import BINARY, TEXT, V7, V8, frame, mask
from .hixie_frames import MIXED, NOT_UTF8, letters

SIZES = (0, 1, 125, 126, 127, 128, 255, 256, 65535, 65536, 65537, 200_000)


def add_messages(draft):
    group = Group(f"{draft.prefix}-4", "Messages", draft.generation, f"{draft.name} 4.2, 4.6")
    same = "The same message comes back."

    for size in SIZES:
        group.add(f"Text, {size} bytes", same,
                  lambda t, n=size: draft.echo(draft.open(t), letters(n)))
    for size in SIZES:
        group.add(f"Binary, {size} bytes", same, lambda t, n=size: draft.echo(
            draft.open(t), (bytes(range(256)) * (n // 256 + 1))[:n], opcode=BINARY))
    group.add("Characters of one to four bytes", same, lambda t: draft.echo(draft.open(t), MIXED))
    group.add("A mask of zeros", same, lambda t: draft.echo(
        draft.open(t), b"Hello", b"\x81\x85\0\0\0\0Hello"))
    group.add("The RFC's own masked Hello", same, lambda t: draft.echo(
        draft.open(t), b"Hello", bytes.fromhex("818537fa213d7f9f4d5158")))

    @group.case("Split at every point", "A message in two segments comes back whole.")
    def every_split(trial):
        peer = draft.open(trial)
        for payload in (MIXED, letters(130)):
            data = frame(TEXT, payload)
            for cut in range(1, min(len(data), 24)):
                peer.send(data[:cut], data[cut:], pause=0.01)
                draft.expect_text(peer, payload)

    @group.case("A length of 64 bits, byte by byte", "Comes back whole.")
    def bytewise_head(trial):
        peer = draft.open(trial)
        data = frame(BINARY, bytes(65536))
        peer.send(*[data[k : k + 1] for k in range(16)], data[16:], pause=0.005)
        draft.expect_message(peer, BINARY, bytes(65536))

    @group.case("1000 messages in one segment", "All come back, in order.")
    def many(trial):
        peer = draft.open(trial)
        texts = [b"%d" % index for index in range(1000)]
        peer.send(b"".join(frame(TEXT, text) for text in texts))
        for text in texts:
            draft.expect_text(peer, text)

    for width, size in ((16, 5), (64, 5), (64, 300)):

        def check_width(trial, width=width, size=size):
            peer = draft.open(trial)
            peer.send(frame(TEXT, letters(size), width=width))
            first = peer.exactly(1, "frame")
            peer.received = first + peer.received
            if first == b"\x88":
                trial.remark("the server demands the shortest form, as hybi-14 and later do")
                draft.expect_closed(peer, codes=(1002,))
            else:
                draft.expect_text(peer, letters(size))

        group.add(f"{size} bytes with a length of {width} bits", "An echo, or 1002.", check_width)


def add_violations(draft):
    group = Group(f"{draft.prefix}-5", "Frames that end the connection", draft.generation,
                  f"{draft.name} 4.2")

    def add(title, *segments, codes=(1002,), expectation="No echo; the connection ends, with 1002.",
            **more):
        def check(trial):
            peer = draft.open(trial)
            peer.send(*segments)
            draft.expect_closed(peer, codes)
            draft.check_alive(trial)

        group.add(title, expectation, check, **more)

    # The drafts before -09 leave open what a receiver does with reserved bits.
    severity = SHOULD if draft is V7 else MUST
    for bits in (4, 2, 1, 7):
        add(f"Reserved bits {bits:03b}", frame(TEXT, b"hello", rsv=bits), severity=severity,
            section="hybi-09 4.2")
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        add(f"Opcode {opcode:X}", frame(opcode, b"hello"), section=f"{draft.name} 4.2, 4.4")
    add("An unmasked text", frame(TEXT, b"hello", masked=False), section=f"{draft.name} 4.1")
    add("An unmasked Close frame", frame(8, b"\x03\xe8", masked=False), severity=SHOULD,
        section=f"{draft.name} 4.1")
    add("A length with its highest bit set",
        b"\x82\xff" + struct.pack(">Q", 1 << 63) + b"mask", codes=(1002, 1009),
        expectation="The connection ends, with 1002 or 1009.")
    add("A length of 2 to the power of 62", b"\x82\xff" + struct.pack(">Q", 1 << 62) + b"mask",
        codes=(1009, 1002), severity=SHOULD,
        expectation="The connection ends, with 1009, and the server does not wait for the bytes.")
    add("An HTTP request instead of a frame", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    add("A hixie frame", b"\0hello\xff", section=f"{draft.name} 4.2")

    def above_the_limit(trial):
        peer = draft.open(trial)
        size = trial.options.max_message + 1
        peer.send(b"\x82\xff" + struct.pack(">Q", size) + b"mask")
        draft.expect_closed(peer, codes=(1009,))

    group.add("A length just above the limit", "The connection ends, with 1009, before any of "
              "the bytes is sent.", above_the_limit, severity=SHOULD, needs=["max-message"])


def add_utf8(draft):
    group = Group(f"{draft.prefix}-6", "Text that is not UTF-8", draft.generation,
                  f"{draft.name} 4.6; hybi-10 7.4.1")

    def add(title, data):
        def check(trial):
            peer = draft.open(trial)
            payload = b"a" + data + b"z"
            key = b"\x11\x22\x33\x44"
            head = bytes([0x81, 0x80 | len(payload)]) + key
            peer.send(head + mask(payload, key))
            draft.expect_closed(peer, codes=(1007,))

        group.add(f"{title[0].upper()}{title[1:]} ({data.hex(' ')})",
                  "No echo; the connection ends, with 1007.", check)

    for title, hexadecimal in NOT_UTF8:
        add(title, bytes.fromhex(hexadecimal))
    add("the byte FF", b"\xff")


for hybi in (V7, V8):
    add_messages(hybi)
    add_violations(hybi)
    add_utf8(hybi)
