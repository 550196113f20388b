"""hybi-07 and hybi-08 to -12: fragments, and the control frames that may stand between them."""

from ..case import SHOULD, Group
from ..hybi import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, V7, V8, frame
from .hixie_frames import MIXED, letters


def fragments(opcode, *payloads):
    """The payloads as the fragments of one message."""
    last = len(payloads) - 1
    return [
        frame(opcode if index == 0 else CONTINUATION, payload, fin=index == last)
        for index, payload in enumerate(payloads)
    ]


def add_fragments(draft):
    group = Group(f"{draft.prefix}-7", "Fragments", draft.generation, f"{draft.name} 4.3")
    whole = "One message comes back."

    def add(title, payloads, opcode=TEXT, apart=False):
        def check(trial):
            frames = fragments(opcode, *payloads)
            peer = draft.open(trial)
            peer.send(*(frames if apart else [b"".join(frames)]), pause=0.005)
            draft.expect_message(peer, opcode, b"".join(payloads))

        group.add(title, whole, check)

    add("Two fragments in one segment", [b"frag", b"ment"])
    add("Two fragments in two segments", [b"frag", b"ment"], apart=True)
    add("Two fragments of binary", [b"\0\xff", b"\xfe"], BINARY)
    add("Empty fragments around a full one", [b"", b"middle", b""])
    add("Three empty fragments", [b"", b"", b""])
    add("Fragments of one byte, characters cut", [bytes([byte]) for byte in MIXED])
    add("100 fragments of 1000 bytes", [letters(1000)] * 100)
    add("65536 bytes and one more", [letters(65536), b"!"], apart=True)

    @group.case("A ping between fragments", "The pong comes before the message's end is sent.")
    def ping_between(trial):
        first, second = fragments(TEXT, b"frag", b"ment")
        peer = draft.open(trial)
        peer.send(first + frame(PING, b"now"))
        draft.expect_pong(peer, b"now")
        peer.send(second)
        draft.expect_text(peer, b"fragment")

    def add_violation(title, *frames):
        def check(trial):
            peer = draft.open(trial)
            peer.send(b"".join(frames))
            draft.expect_closed(peer, codes=(1002,))

        group.add(title, "No echo; the connection ends, with 1002.", check)

    add_violation("A continuation of nothing", frame(CONTINUATION, b"lost"))
    add_violation("An unfinished continuation of nothing", frame(CONTINUATION, b"lost", fin=False))
    add_violation("A text within a text", frame(TEXT, b"one", fin=False), frame(TEXT, b"two"))
    add_violation("A binary message within a text", frame(TEXT, b"one", fin=False),
                  frame(BINARY, b"two"))

    @group.case("A continuation behind a whole message", "The echo, then the connection ends.")
    def behind_whole(trial):
        peer = draft.open(trial)
        peer.send(frame(TEXT, b"one"))
        draft.expect_text(peer, b"one")
        peer.send(frame(CONTINUATION, b"two"))
        draft.expect_closed(peer, codes=(1002,))

    @group.case("A character that never becomes whole", "1007, at the end at the latest.",
                section="hybi-10 7.4.1")
    def cut_character(trial):
        peer = draft.open(trial)
        peer.send(b"".join(fragments(TEXT, b"\xe2", b"\x98")))
        draft.expect_closed(peer, codes=(1007,))

    @group.case("Close within a fragmented message", "The Close frame is answered, nothing else.")
    def close_within(trial):
        peer = draft.open(trial)
        peer.send(frame(TEXT, b"half", fin=False) + frame(CLOSE, b"\x03\xe8"))
        closing = draft.expect_closed(peer, codes=(1000,))
        trial.must(closing is not None, "there was no Close frame")


def add_control(draft):
    group = Group(f"{draft.prefix}-8", "Ping and pong", draft.generation, f"{draft.name} 4.5")

    for size in (0, 1, 5, 124, 125):

        def check_ping(trial, payload=letters(size)):
            peer = draft.open(trial)
            peer.send(frame(PING, payload))
            draft.expect_pong(peer, payload)
            draft.echo(peer, b"hello")

        group.add(f"A ping of {size} bytes", "A pong with the same bytes.", check_ping)

    @group.case("A ping that is not UTF-8", "A pong with the same bytes: they are no text.")
    def binary_ping(trial):
        peer = draft.open(trial)
        peer.send(frame(PING, b"\0\xff\xfe\x80"))
        draft.expect_pong(peer, b"\0\xff\xfe\x80")

    @group.case("A ping byte by byte", "A pong.")
    def bytewise(trial):
        peer = draft.open(trial)
        peer.send_bytewise(frame(PING, b"slowly"))
        draft.expect_pong(peer, b"slowly")

    @group.case("Ten pings in one segment", "A pong for the last one; pongs in order.")
    def ten_pings(trial):
        peer = draft.open(trial)
        peer.send(b"".join(frame(PING, b"%d" % index) for index in range(10)))
        latest = -1
        while latest < 9:
            part = draft.frame(peer)
            trial.must(part.opcode == PONG, f"opcode {part.opcode:X} instead of a pong")
            number = int(part.payload)
            trial.must(number > latest, "pongs came out of order")
            trial.should(number == latest + 1, "not every ping was answered")
            latest = number

    @group.case("A pong that nobody asked for", "Is ignored.")
    def lone_pong(trial):
        peer = draft.open(trial)
        peer.send(frame(PONG, b"for nothing") + frame(PONG))
        draft.echo(peer, b"hello")

    def add_violation(title, data):
        def check(trial):
            peer = draft.open(trial)
            peer.send(data)
            draft.expect_closed(peer, codes=(1002,))

        group.add(title, "No pong; the connection ends, with 1002.", check)

    add_violation("A ping of 126 bytes", frame(PING, letters(126)))
    add_violation("A pong of 126 bytes", frame(PONG, letters(126)))
    add_violation("A fragmented ping", frame(PING, b"half", fin=False))
    add_violation("A fragmented pong", frame(PONG, b"half", fin=False))

    @group.case("Pings between 50 messages", "All echoes and all pongs.", severity=SHOULD)
    def mixed(trial):
        peer = draft.open(trial)
        for index in range(50):
            text = b"%d" % index
            peer.send(frame(TEXT, text) + frame(PING, text), pause=0)
            draft.expect_text(peer, text)
            draft.expect_pong(peer, text)


for hybi in (V7, V8):
    add_fragments(hybi)
    add_control(hybi)
