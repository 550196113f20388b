"""hybi-07 and hybi-08 to -12: the closing handshake and its status codes."""

from ..case import MUST, SHOULD, Group
from ..hybi import CLOSE, PING, TEXT, V7, V8, close_payload, frame


def add_closing(draft):
    group = Group(f"{draft.prefix}-9", "Closing handshake", draft.generation,
                  f"{draft.name} 4.5.1, 7.4")

    def add(title, expectation, payload, codes, section=None, severity=None, before=b""):
        """Sends a Close frame; a Close frame with one of the codes, and the end, must follow."""

        def check(trial):
            peer = draft.open(trial)
            peer.send(before + frame(CLOSE, payload))
            closing = draft.expect_closed(peer, codes)
            trial.expect(closing is not None, "the server ended the connection without a word")

        group.add(title, expectation, check, section=section, severity=severity)

    answered = "A Close frame in answer, then the end of the connection."
    add("Without a code", answered, b"", (None, 1000))
    for code in (1000, 1001, 1002, 1003, 3000, 3999, 4000, 4999):
        add(f"Code {code}", answered, close_payload(code), (code, 1000))
    add("Code 1000 and a reason", answered, close_payload(1000, "Tschüß ☃".encode()), (1000,))
    add("A reason of 123 bytes", answered, close_payload(1000, b"r" * 123), (1000,))

    def add_violation(title, payload, codes=(1002,), **more):
        def check(trial):
            peer = draft.open(trial)
            peer.send(frame(CLOSE, payload))
            draft.expect_closed(peer, codes)

        group.add(title, "The connection ends, with 1002.", check, **more)

    # hybi-07 had no rule about these codes.
    severity = SHOULD if draft is V7 else MUST
    add_violation("Half a code", b"\x03")
    for code in (0, 999, 1005, 1006, 1016, 2999, 5000, 65535):
        add_violation(f"Code {code}", close_payload(code), codes=(1002,), severity=severity)
    add_violation("A reason that is not UTF-8", close_payload(1000, b"\xc3("), codes=(1007, 1002))
    add_violation("A Close frame of 126 bytes", close_payload(1000, b"r" * 124))

    @group.case("Echo before close", "A text in front of the Close frame is echoed first.")
    def echo_first(trial):
        peer = draft.open(trial)
        peer.send(frame(TEXT, b"last words") + frame(CLOSE, close_payload(1000)))
        draft.expect_text(peer, b"last words")
        trial.must(draft.expect_closed(peer, (1000,)) is not None, "there was no Close frame")

    def add_behind(title, data):
        def check(trial):
            peer = draft.open(trial)
            peer.send(frame(CLOSE, close_payload(1000)) + data)
            draft.expect_closed(peer, (1000,))

        group.add(title, "Ignored: nothing comes behind the Close frame.", check)

    add_behind("A text behind the Close frame", frame(TEXT, b"too late"))
    add_behind("A ping behind the Close frame", frame(PING, b"too late"))
    add_behind("A second Close frame", frame(CLOSE, close_payload(1001)))
    add_behind("Garbage behind the Close frame", b"\xff" * 100)

    @group.case("The server ends TCP first", "Within half a second of the Close frames.",
                severity=SHOULD, section=f"{draft.name} 7.1.1")
    def server_first(trial):
        peer = draft.open(trial)
        peer.send(frame(CLOSE, close_payload(1000)))
        part = draft.frame(peer)
        trial.must(part.opcode == CLOSE, f"opcode {part.opcode:X} instead of a Close frame")
        _, ended = peer.until_end(0.5)
        trial.expect(ended, "the connection is still open")

    @group.case("Close, split everywhere", answered)
    def bytewise(trial):
        peer = draft.open(trial)
        peer.send_bytewise(frame(CLOSE, close_payload(1000, b"bye")))
        trial.must(draft.expect_closed(peer, (1000,)) is not None, "there was no Close frame")

    @group.case("The end of the connection without a Close frame", "The server ends it too.",
                needs=["half-close"])
    def abrupt(trial):
        peer = draft.open(trial)
        draft.echo(peer, b"hello")
        peer.half_close()
        _, ended = peer.until_end()
        trial.must(ended, "the server did not end the connection")

    @group.case("The end of the connection within a frame", "The server ends it too, without an "
                "echo.", needs=["half-close"])
    def abrupt_within(trial):
        peer = draft.open(trial)
        peer.send(frame(TEXT, b"half of a text")[:-6])
        peer.half_close()
        draft.expect_closed(peer)


for hybi in (V7, V8):
    add_closing(hybi)
