"""How connections of the hixie drafts end: draft 76 says FF 00 both ways, draft 75 says nothing."""

from ..case import SHOULD, Group
from ..hixie import CLOSE_FRAME, H75, H76, text_frame
from ..peer import Ended

closing75 = Group("H75-10", "The end of the connection", "h75", "draft-hixie-75 4.2")
closing76 = Group("H76-12", "Closing handshake", "h76", "draft-hixie-76 5.3")


def add_ends(group, draft):
    """What both drafts do when the connection ends without a word."""

    @group.case("The client ends the connection between frames",
                "The server ends it too, and may say FF 00 in draft 76.", needs=["half-close"])
    def between_frames(trial):
        peer = draft.open(trial)
        draft.echo(peer, b"hello")
        peer.half_close()
        data, ended = peer.until_end()
        trial.must(ended, "the server did not end the connection")
        allowed = (b"", CLOSE_FRAME) if draft.has_closing_handshake else (b"",)
        trial.should(data in allowed, f"the server said {data[:20]!r}")

    @group.case("Right behind a text", "The text is echoed, or the connection ends; never half a "
                "frame.", needs=["half-close"])
    def behind_text(trial):
        peer = draft.open(trial)
        peer.send(text_frame(b"last words"))
        peer.half_close()
        data, ended = peer.until_end()
        trial.must(ended, "the server did not end the connection")
        rest = data.removesuffix(CLOSE_FRAME) if draft.has_closing_handshake else data
        trial.must(rest in (b"", text_frame(b"last words")), f"the server said {data[:40]!r}")
        trial.should(rest != b"", "the last text was not echoed")

    @group.case("Within a text", "The half text is not echoed, and the server ends the connection.",
                needs=["half-close"])
    def within_text(trial):
        peer = draft.open(trial)
        peer.send(b"\0half a te")
        peer.half_close()
        data, ended = peer.until_end()
        trial.must(ended, "the server did not end the connection")
        trial.must(b"half" not in data, "half a text was echoed")

    @group.case("Right behind the handshake, 20 times", "Other connections live on.")
    def at_once(trial):
        for _ in range(20):
            draft.open(trial).close()
        draft.check_alive(trial)


@closing75.case("FF 00 means nothing", "Read over, or the server disconnects; no FF 00 in answer, "
                "which this draft does not know.", severity=SHOULD)
def close_frame_in_75(trial):
    peer = H75.open(trial)
    peer.send(CLOSE_FRAME + text_frame(b"next"))
    try:
        echoed = H75.frame(peer)
    except Ended:
        trial.remark("the server disconnects, which the draft allows")
        return
    trial.expect_equal(echoed, b"next", "the echo (None is FF 00)")


@closing75.case("FF 80 00 means nothing", "The same with a longer way to write the length 0.",
                severity=SHOULD)
def long_close_frame_in_75(trial):
    peer = H75.open(trial)
    peer.send(b"\xff\x80\0" + text_frame(b"next"))
    try:
        trial.expect_equal(H75.frame(peer), b"next", "the echo (None is FF 00)")
    except Ended:
        trial.remark("the server disconnects, which the draft allows")


add_ends(closing75, H75)


def expect_close(peer, what="answer FF 00"):
    trial = peer.trial
    data = peer.exactly(2, what)
    trial.equal(data, CLOSE_FRAME, "the answer")


def add_close(title, expectation, *segments, echoes=(), **more):
    """The segments hold a Close frame; behind the echoes FF 00 must come, and then the end."""

    def check(trial):
        peer = H76.open(trial)
        peer.send(*segments)
        for text in echoes:
            H76.expect_text(peer, text)
        expect_close(peer)
        data, ended = peer.until_end()
        trial.must(not data, f"the server said {data[:20]!r} behind its FF 00")
        trial.should(ended, "the server leaves the connection open")

    closing76.add(title, expectation, check, **more)


add_close("FF 00", "FF 00 in answer, nothing more, and the server ends the connection.",
          CLOSE_FRAME)
add_close("FF and 00 in two segments", "The same.", b"\xff", b"\0")
add_close("FF 80 00", "The same: a length of zero in two groups is zero.", b"\xff\x80\0",
          severity=SHOULD)
add_close("FF 80 80 80 00", "The same, with four groups.", b"\xff\x80\x80\x80\0", severity=SHOULD)
add_close("FF 00 behind a text in one segment", "The echo first, then FF 00.",
          text_frame(b"last words") + CLOSE_FRAME, echoes=[b"last words"])
add_close("A text behind FF 00 in one segment", "Discarded, not echoed.",
          CLOSE_FRAME + text_frame(b"too late"))
add_close("A text behind FF 00 in another segment", "Discarded, not echoed.",
          CLOSE_FRAME, text_frame(b"too late"))
add_close("Garbage behind FF 00", "Discarded.", CLOSE_FRAME + b"\x80\xff\xff\xff\xff\xff\xff" * 20)
add_close("FF 00 twice", "Answered once.", CLOSE_FRAME + CLOSE_FRAME)
add_close("FF 00 behind read-over frames", "Found at the right place.",
          b"\x80\x02\xff\0" + b"\x01\x00\xff" + CLOSE_FRAME,
          severity=SHOULD)


@closing76.case("FF 00 within a text frame", "The FF ends the text, the 00 begins another.")
def inside_text(trial):
    peer = H76.open(trial)
    peer.send(b"\0one\xff\0two\xff")
    H76.expect_text(peer, b"one")
    H76.expect_text(peer, b"two")


@closing76.case("FF 00 within a frame of known length", "Is content, not a Close frame.")
def inside_length(trial):
    peer = H76.open(trial)
    peer.send(b"\x80\x04\xff\0\xff\0" + text_frame(b"next"))
    try:
        echoed = H76.frame(peer)
    except Ended:
        trial.remark("the server disconnects, which the draft allows")
        return
    if echoed is None:
        data, _ = peer.until_end(1.0)
        trial.remark("the server closes, which the draft allows")
        trial.must(not data, "the server goes on behind its FF 00")
    else:
        trial.equal(echoed, b"next", "the echo")


@closing76.case("The server ends the connection first", "Behind the exchange the server ends TCP, "
                "within half a second.", severity=SHOULD, section="draft-hixie-76 1.4")
def server_ends(trial):
    peer = H76.open(trial)
    peer.send(CLOSE_FRAME)
    expect_close(peer)
    _, ended = peer.until_end(0.5)
    trial.expect(ended, "the connection is still open")


@closing76.case("FF 00 and the end of the connection", "FF 00 still comes back.",
                needs=["half-close"])
def close_and_end(trial):
    peer = H76.open(trial)
    peer.send(CLOSE_FRAME)
    peer.half_close()
    expect_close(peer)
    trial.must(peer.until_end() == (b"", True), "the connection does not end behind FF 00")


@closing76.case("FF 00 in the segment of key3", "The answer to the challenge, then FF 00.")
def close_with_key3(trial):
    peer = H76.open(trial, first=CLOSE_FRAME)
    expect_close(peer)


add_ends(closing76, H76)
