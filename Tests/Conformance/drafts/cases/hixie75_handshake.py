"""draft-hixie-75: a response whose first lines are fixed to the byte, for clients compare them."""

from ..case import SHOULD, Group
from ..hixie import H75
from ..http import accepted, refused

SECTION = "draft-hixie-75 4.1"
handshake = Group("H75-1", "Opening handshake", "h75", "draft-hixie-75 3.1")

STATUS_LINE = b"HTTP/1.1 101 Web Socket Protocol Handshake\r\n"
FIXED = STATUS_LINE + b"Upgrade: WebSocket\r\nConnection: Upgrade\r\n"


def response(trial, request=None):
    peer = trial.connect()
    peer.send((request or H75.request(trial)).bytes)
    return accepted(peer)


@handshake.case(
    "The status line",
    "Exactly `HTTP/1.1 101 Web Socket Protocol Handshake`: two words, compared byte for byte.",
    section=SECTION,
)
def status_line(trial):
    head = response(trial)
    trial.equal((head.status_line + "\r\n").encode("latin-1"), STATUS_LINE, "the status line")


@handshake.case(
    "The first three lines",
    "Status line, `Upgrade: WebSocket`, `Connection: Upgrade`: in this order and case.",
    section=SECTION,
)
def first_lines(trial):
    trial.equal(response(trial).raw[: len(FIXED)], FIXED, "the beginning of the response")


@handshake.case(
    "Nothing before WebSocket-Origin",
    "The fourth and fifth lines are WebSocket-Origin and WebSocket-Location.",
    severity=SHOULD,
)
def origin_follows(trial):
    names = [name for name, _ in response(trial).fields]
    trial.expect(
        names[2:4] == ["WebSocket-Origin", "WebSocket-Location"],
        f"the fields are {', '.join(names)}",
    )


@handshake.case(
    "The whole response",
    "Five lines and nothing more, when neither subprotocol nor cookies are involved.",
    severity=SHOULD,
)
def whole_response(trial):
    expected = FIXED + (
        f"WebSocket-Origin: {H75.origin(trial)}\r\n"
        f"WebSocket-Location: {trial.options.target.location()}\r\n\r\n"
    ).encode("ascii")
    raw = response(trial).raw
    trial.expect(raw == expected, f"the response is {raw!r}")


@handshake.case(
    "No field of a later generation",
    "A hixie-75 response holds no Sec-WebSocket-* field.",
    severity=SHOULD,
)
def no_later_field(trial):
    names = [name for name, _ in response(trial).fields]
    later = [name for name in names if name.lower().startswith("sec-websocket-")]
    trial.expect(not later, f"the response holds {', '.join(later)}")


@handshake.case(
    "No bytes behind the response",
    "Behind the blank line come frames, and an echo server has none to send yet.",
)
def no_bytes_behind(trial):
    peer = H75.open(trial)
    extra = peer.listen(trial.options.quiet)
    trial.expect(not extra, f"the server sent {extra[:40]!r}")
    trial.expect(not peer.has_ended, "the server ended the connection")


def add_refusal(group, title, change, expectation="No 101.", **more):
    def check(trial):
        peer = trial.connect()
        peer.send(change(H75.request(trial)).bytes)
        refused(peer)
        H75.check_alive(trial)

    group.add(title, expectation, check, **more)


refusals = Group("H75-4", "Refused handshakes", "h75", "draft-hixie-75 4.1")
add_refusal(refusals, "No Origin", lambda r: r.drop("Origin"), severity=SHOULD)
add_refusal(refusals, "Origin is empty", lambda r: r.set("Origin", ""), severity=SHOULD)
add_refusal(refusals, "Origin with a NUL", lambda r: r.set("Origin", "http://a\0b"))
add_refusal(
    refusals,
    "Origin with a bare CR",
    lambda r: r.set("Origin", "http://a\rX-Injected: 1"),
    "No 101: what the response repeats must not end a line of it.",
)
add_refusal(
    refusals,
    "Only Sec-WebSocket-Key1",
    lambda r: r.add("Sec-WebSocket-Key1", "4 @1  46546xW%0l 1 5"),
    "No 101: a broken hixie-76 request is not a hixie-75 request.",
)
add_refusal(
    refusals,
    "Upgrade: websocket in lower case",
    lambda r: r.set("Upgrade", "websocket"),
    "No 101: this is a later request that lost its Sec- fields, not a hixie-75 client.",
    severity=SHOULD,
)
