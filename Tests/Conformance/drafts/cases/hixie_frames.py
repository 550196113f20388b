"""Text between 00 and FF, and the frame types that must be read over, in both hixie drafts."""

from ..case import SHOULD, Group
from ..hixie import H75, H76, length_prefix, text_frame
from ..peer import Ended, TimedOut

LETTERS = bytes(range(0x61, 0x7B))
MIXED = "a é ☃ 𝄞 z".encode()

# Byte strings that are not UTF-8; none holds FF, which would end the frame.
NOT_UTF8 = [
    ("a lone continuation byte", "80"),
    ("a lead byte alone", "c3"),
    ("a lead byte before a letter", "c361"),
    ("an overlong slash", "c0af"),
    ("an overlong NUL", "c080"),
    ("a surrogate", "eda080"),
    ("a pair of surrogates", "eda0b4edb49e"),
    ("a character above U+10FFFF", "f4908080"),
    ("three of four bytes", "f09d84"),
    ("the byte FE", "fe"),
]


def letters(count):
    return (LETTERS * (count // len(LETTERS) + 1))[:count]


def add_texts(draft, number):
    section = f"{draft.name} {'4.2' if draft is H75 else '5.3'}"
    group = Group(number, "Text frames", draft.generation, section)

    def add(title, payload, **more):
        group.add(title, "The same text comes back.",
                  lambda t: draft.echo(draft.open(t), payload), **more)

    for size in (0, 1, 2, 125, 126, 127, 128, 255, 256, 4095, 4096, 16384, 65535, 65536, 200_000):
        add(f"{size} bytes", letters(size))
    add("Characters of one to four bytes", MIXED)
    add("U+0000, U+007F, U+0080, U+07FF, U+0800", "\0\x7f\x80\u07ff\u0800".encode())
    add("U+FFFD, U+FFFF, U+10000, U+10FFFF", "\ufffd\uffff\U00010000\U0010ffff".encode())
    add("Bytes 00 within the text", b"\0a\0\0b\0")
    add("CR LF and a whole HTTP request", b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")

    @group.case("Split at every point", "A text in two segments comes back whole.")
    def every_split(trial):
        peer = draft.open(trial)
        frame = text_frame(MIXED)
        for cut in range(1, len(frame)):
            peer.send(frame[:cut], frame[cut:], pause=0.01)
            draft.expect_text(peer, MIXED)

    @group.case("Byte by byte", "Comes back whole.")
    def bytewise(trial):
        peer = draft.open(trial)
        peer.send_bytewise(text_frame(MIXED))
        draft.expect_text(peer, MIXED)

    @group.case("65536 bytes in segments of 1000", "Comes back whole: Netty 4.1.48 loses the head.")
    def large_split(trial):
        peer = draft.open(trial)
        payload = letters(65536)
        frame = text_frame(payload)
        peer.send(*[frame[k : k + 1000] for k in range(0, len(frame), 1000)], pause=0.002)
        draft.expect_text(peer, payload)

    @group.case("1000 texts in one segment", "All come back, in order.")
    def many(trial):
        peer = draft.open(trial)
        texts = [b"%d" % index for index in range(1000)]
        peer.send(b"".join(map(text_frame, texts)))
        for text in texts:
            draft.expect_text(peer, text)

    @group.case("Two and a half texts, then the rest", "Three echoes.")
    def two_and_a_half(trial):
        peer = draft.open(trial)
        peer.send(text_frame(b"one") + text_frame(b"two") + b"\0thr", b"ee\xff")
        for text in (b"one", b"two", b"three"):
            draft.expect_text(peer, text)

    @group.case("FF alone in a segment", "Ends the frame.")
    def lone_end(trial):
        peer = draft.open(trial)
        peer.send(b"\0hello", b"\xff")
        draft.expect_text(peer, b"hello")


def add_utf8(draft, number):
    section = f"{draft.name} {'4.2' if draft is H75 else '5.3'}; RFC 3629"
    group = Group(number, "Text that is not UTF-8", draft.generation, section)

    def add(title, data):
        def check(trial):
            peer = draft.open(trial)
            peer.send(text_frame(b"a" + data + b"z"))
            try:
                echoed = draft.frame(peer)
            except Ended:
                return
            except TimedOut:
                trial.should(False, "the text was dropped without a sign")
                return
            if echoed is None:
                trial.must(draft.has_closing_handshake, "FF 00, which draft 75 does not have")
                return
            # `frame` has checked that it is UTF-8.
            trial.should("\ufffd" in echoed.decode(), "bytes were dropped without a sign")

        group.add(f"{title[0].upper()}{title[1:]} ({data.hex(' ')})",
                  "The server closes, or echoes U+FFFD; never the bytes.", check)

    for title, hexadecimal in NOT_UTF8:
        add(title, bytes.fromhex(hexadecimal))

    @group.case("A character cut by the segment", "Is none the worse for it.")
    def cut_character(trial):
        peer = draft.open(trial)
        peer.send(b"\0\xe2", b"\x98", b"\x83\xff")
        draft.expect_text(peer, "☃".encode())


def add_discarded(draft, number):
    section = f"{draft.name} {'4.2' if draft is H75 else '5.3'}"
    group = Group(number, "Frames that are read over", draft.generation, section)
    expectation = "Not echoed; the next text is, or the server disconnects."

    def add(title, *segments, **more):
        def check(trial):
            peer = draft.open(trial)
            # The text rides in the last segment: whoever looks there only later is caught always,
            # not just when two segments happen to be read together.
            peer.send(*segments[:-1], segments[-1] + text_frame(b"next"), pause=0.01)
            try:
                echoed = draft.frame(peer)
            except Ended:
                trial.remark("the server disconnects, which the draft allows")
                return
            if echoed is None:
                trial.remark("the server closes, which the draft allows")
                return
            trial.equal(echoed, b"next", "the echo")

        group.add(title, expectation, check, **more)

    add("Type 01", b"\x01hidden\xff")
    add("Type 7F", b"\x7fhidden\xff")
    add("Type 01, empty", b"\x01\xff")
    add("Type 42 with 00 in it", b"\x42\0a\0b\xff")
    add("Type 42, byte by byte", *[bytes([byte]) for byte in b"\x42abc\xff"])
    add("All types from 01 to 7F", b"".join(bytes([t]) + b"x\xff" for t in range(1, 0x80)))
    add("Type 80, length 0", b"\x80\0")
    add("Type 80, length 1, content FF", b"\x80\x01\xff")
    add("Type 80, length 5, content like a frame", b"\x80\x05" + text_frame(b"abc"))
    add("Type FE, length 130", b"\xfe\x81\x02" + text_frame(b"x" * 128))
    add("Type FE, length 130, split everywhere",
        b"\xfe", b"\x81", b"\x02", b"\0" * 65, b"\xff" * 64, b"\0")
    add("Type 90, length 65536", b"\x90" + length_prefix(65536) + b"\0" * 65536)
    add("Type 80, length 5 with a leading group of zero", b"\x80\x80\x05" + text_frame(b"abc"))
    add("Type FF, length 3", b"\xff\x03" + text_frame(b"a"))
    add("All types from 80 to FE, length 2",
        b"".join(bytes([t]) + b"\x02\0\xff" for t in range(0x80, 0xFF)))
    add("Ten frames of either kind in one segment", (b"\x05five\xff" + b"\xa0\x04four") * 10)

    @group.case("Between two texts in one segment", "Both texts are echoed, or the server "
                "disconnects behind the first.")
    def between(trial):
        peer = draft.open(trial)
        peer.send(text_frame(b"one") + b"\x80\x03\0a\xff" + b"\x11b\xff" + text_frame(b"two"))
        try:
            draft.expect_text(peer, b"one")
            echoed = draft.frame(peer)
        except Ended:
            trial.remark("the server disconnects, which the draft allows")
            return
        trial.must(echoed in (b"two", None), f"{echoed!r} was echoed")

    @group.case("A length that ends in the connection's end", "The server ends the connection too.",
                needs=["half-close"], severity=SHOULD)
    def unfinished(trial):
        peer = draft.open(trial)
        peer.send(b"\x80\x20half")
        peer.half_close()
        data, ended = peer.until_end()
        trial.expect(ended, "the server did not end the connection")
        trial.must(b"half" not in data, "half a frame was echoed")


add_texts(H75, "H75-6")
add_utf8(H75, "H75-7")
add_discarded(H75, "H75-8")
add_texts(H76, "H76-8")
add_utf8(H76, "H76-9")
add_discarded(H76, "H76-10")
