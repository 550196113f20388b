"""Length prefixes and texts without an end: what a hostile client of the hixie drafts sends."""

from ..case import SHOULD, Group
from ..hixie import H75, H76, length_prefix, text_frame

# CVE-2026-54463 and CVE-2026-54466: servers that read such a prefix for ever.
PREFIX = "CVE-2026-54463"


def add_limits(draft, number):
    group = Group(number, "Frames without an end", draft.generation, f"{draft.name}, {PREFIX}",
                  runs_alone=True)

    def expect_end(trial, peer, what):
        """The server must give up by itself: nothing ends the connection from this side."""
        _, ended = peer.until_end(2.0)
        trial.expect(ended, f"the server still reads {what}")
        peer.close()
        draft.check_alive(trial)

    def add(title, *segments, what="the prefix", severity=None, section=None):
        def check(trial):
            peer = draft.open(trial)
            peer.send(*segments, pause=0.01)
            expect_end(trial, peer, what)

        group.add(title, "The server ends the connection, and others live on.", check,
                  severity=severity, section=section)

    add("A length of 2 to the power of 69", b"\x80" + b"\xff" * 9 + b"\x7f", severity=SHOULD)
    add("A length of 2000 bytes", b"\x80" + b"\xff" * 2000)
    add("A length of 2000 bytes that are all zero", b"\x80" + b"\x80" * 2000)
    add("A length of 2000 bytes for type FE", b"\xfe" + b"\x81" * 2000)
    add("A length of 2000 bytes for type FF", b"\xff" + b"\x80" * 2000)
    add("The same in segments of 100", b"\x80", *[b"\x81" * 100] * 20)
    add("A length of 100000 bytes", b"\x80" + b"\xff" * 100_000)

    @group.case("A length of 2 to the power of 34", "The server ends the connection without "
                "waiting for the bytes.", severity=SHOULD)
    def far_too_long(trial):
        peer = draft.open(trial)
        peer.send(b"\x80" + length_prefix(1 << 34))
        expect_end(trial, peer, "a frame that it can never take")

    @group.case("A length just above the limit", "The server ends the connection without waiting "
                "for the bytes.", severity=SHOULD, needs=["max-message"])
    def just_above(trial):
        peer = draft.open(trial)
        peer.send(b"\x80" + length_prefix(trial.options.max_message + 1))
        expect_end(trial, peer, "a frame above its limit")

    def add_endless(title, first):
        def check(trial):
            trial.allow(5)
            peer = draft.open(trial)
            total = trial.options.max_message + (1 << 16)
            block = b"a" * (1 << 16)
            peer.send(first)
            for _ in range(total // len(block) + 1):
                peer.send(block, pause=0)
                if peer.listen(0.001) or peer.has_ended:
                    break
            expect_end(trial, peer, "a frame above its limit")

        group.add(title, "The server ends the connection once its limit is passed.", check,
                  severity=SHOULD, needs=["max-message"])

    add_endless("A text above the limit that never ends", b"\0")
    add_endless("A frame of type 01 above the limit that never ends", b"\x01")

    @group.case("A text exactly at the limit", "Comes back.", needs=["max-message"])
    def at_the_limit(trial):
        trial.allow(10)
        payload = b"a" * trial.options.max_message
        peer = draft.open(trial)
        draft.echo(peer, payload)

    @group.case("A text one byte above the limit", "Is not echoed.", needs=["max-message"])
    def one_above(trial):
        trial.allow(10)
        peer = draft.open(trial)
        peer.send(text_frame(b"a" * (trial.options.max_message + 1)))
        data, ended = peer.until_end(3.0)
        trial.must(b"aaaa" not in data, "a text above the limit was echoed")
        trial.should(ended, "the connection stays open")


add_limits(H75, "H75-9")
add_limits(H76, "H76-11")
