"""draft-hixie-76: the eight bytes behind the request, however they travel."""

from ..case import SHOULD, Group
from ..hixie import CLOSE_FRAME, H76, KEY3, text_frame
from ..http import refused

group = Group("H76-4", "Delivery of key3", "h76", "draft-hixie-76 5.1")


def complete(trial, request, *segments, pause=0.05):
    peer = trial.connect()
    peer.send(*segments, pause=pause)
    H76.check_response(peer, request)
    H76.echo(peer, b"hello")


def add_split(title, expectation, cut, **more):
    def check(trial):
        request = H76.request(trial)
        complete(trial, request, *cut(request))

    group.add(title, expectation, check, **more)


add_split("In a segment of its own", "Accepted: Google's client sends it so.",
          lambda r: (r.head, r.tail))
for position in range(1, 8):
    add_split(f"Split behind byte {position}", "Accepted.",
              lambda r, k=position: (r.head + r.tail[:k], r.tail[k:]))
add_split("Byte by byte", "Accepted.",
          lambda r: (r.head, *[r.tail[k : k + 1] for k in range(8)]))
for position in range(1, 4):
    add_split(f"The head's end split behind byte {position} of CR LF CR LF", "Accepted.",
              lambda r, k=position: (r.head[: k - 4], r.head[k - 4 :] + r.tail))


@group.case("The whole request byte by byte", "Accepted.")
def bytewise(trial):
    request = H76.request(trial)
    peer = trial.connect()
    peer.send_bytewise(request.bytes)
    H76.check_response(peer, request)
    H76.echo(peer, b"hello")


@group.case("Half a second late", "The server waits.")
def late(trial):
    request = H76.request(trial)
    complete(trial, request, request.head, request.tail, pause=0.5)


for name, parts in (
    ("glued to the head", lambda r: (r.bytes,)),
    ("in a segment of its own", lambda r: (r.head, r.tail)),
    ("split in the middle", lambda r: (r.head + r.tail[:4], r.tail[4:])),
):

    def check_length(trial, parts=parts):
        request = H76.request(trial).add("Content-Length", "8")
        complete(trial, request, *parts(request))

    group.add(f"Content-Length: 8, key3 {name}",
              "Accepted: the clients of Perl, Netty and Autobahn announce key3 as a body.",
              check_length, section="hybi-00, as deployed")

for name, value in (("10", "10"), ("0", "0"), ("-8", "-8"), ("not a number", "eight")):

    def check_other_length(trial, value=value):
        peer = trial.connect()
        peer.send(H76.request(trial).add("Content-Length", value).bytes)
        refused(peer, statuses=(400,))

    group.add(f"Content-Length is {name}", "No 101: bytes could hide in the difference.",
              check_other_length, section="RFC 9112 6.3", severity=SHOULD)


@group.case("Transfer-Encoding: chunked", "No 101: a handshake has no body.",
            section="RFC 9112 6.1", severity=SHOULD)
def chunked(trial):
    peer = trial.connect()
    peer.send(H76.request(trial).add("Transfer-Encoding", "chunked").bytes)
    refused(peer, statuses=(400,))


def add_glued(title, frames, texts, closes=False, cut=None):
    def check(trial):
        request = H76.request(trial)
        peer = trial.connect()
        data = request.bytes + frames
        segments = (data,) if cut is None else (data[:cut], data[cut:])
        peer.send(*segments)
        H76.check_response(peer, request)
        for text in texts:
            H76.expect_text(peer, text)
        if closes:
            trial.must(H76.frame(peer) is None, "a text came instead of the Close frame")

    group.add(title, "Frames behind key3 are frames, even in the same segment.", check)


add_glued("A text glued behind key3", text_frame(b"glued"), [b"glued"])
add_glued("Three texts glued behind key3", text_frame(b"a") + text_frame(b"") + text_frame(b"c"),
          [b"a", b"", b"c"])
add_glued("A Close frame glued behind key3", CLOSE_FRAME, [], closes=True)
add_glued("Half a text glued behind key3", text_frame(b"half and half"), [b"half and half"], cut=-8)


@group.case("key3 looks like frames", "key3 is never taken for frames, nor for a request.")
def like_frames(trial):
    peer = H76.open(trial, H76.request(trial).with_(tail=b"\x00abc\xff\xff\x00\n"))
    H76.echo(peer, b"hello")


@group.case("The connection ends within key3", "No answer, and the server ends the connection too.",
            needs=["half-close"])
def ends_within(trial):
    request = H76.request(trial)
    peer = trial.connect()
    peer.send(request.head + request.tail[:5])
    peer.half_close()
    data, ended = peer.until_end()
    trial.must(ended, "the server did not end the connection")
    # The head alone may come early: it depends on nothing but the keys in it.
    behind = data.partition(b"\r\n\r\n")[2] if b" 101 " in data[:20] else b""
    trial.must(not behind, f"the server answered half a key with {behind[:20]!r}")
    H76.check_alive(trial)


@group.case("key3 never comes", "The connection ends when the time for the handshake is over.",
            needs=["handshake-timeout"], severity=SHOULD, section="THREATS: slow requests")
def never(trial):
    trial.allow(trial.options.handshake_timeout + 3)
    peer = trial.connect()
    peer.send(H76.request(trial).head)
    _, ended = peer.until_end(trial.options.handshake_timeout + 3)
    trial.expect(ended, "the server still waits")


@group.case("key3 is the example's", f"{KEY3!r} with the keys of section 1.2, then an echo of it.")
def example(trial):
    peer = H76.open(trial)
    H76.echo(peer, KEY3)
