"""What the attacks on the opening handshake share: requests that are wrong in one place, and the
judgement of refusals."""

from harness import ACCEPT, KEY, TEXT, Ended, frame, opening
from suite import CheckFailed, drain, expect


def request(*lines, start="GET / HTTP/1.1", end="\r\n"):
    """A request of these lines."""
    return (end.join([start, *lines]) + end + end).encode("latin-1")


def upgrade(*extra, without=(), start="GET / HTTP/1.1", **replaced):
    """An opening handshake with lines of its own; `Host="x"` replaces a field."""
    fields = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade",
              "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13"}
    for name, value in replaced.items():
        fields[name.replace("_", "-")] = value
    lines = [f"{name}: {value}" for name, value in fields.items() if name not in without]
    return request(*lines, *extra, start=start)


def refused(ground, data, statuses, **fields):
    """Sends bytes and insists on one refusal: one of these statuses, `Connection: close`, a body of
    the length that is told, nothing behind it, and the end of the stream."""
    with ground.peer() as peer:
        peer.send(data)
        answer = peer.answer()
        expect(answer.status in statuses,
               f"{data[:60]!r} was answered {answer.line!r}, not {sorted(statuses)}")
        connection = answer.fields.get("connection", "").lower()
        expect("close" in connection, f"{answer.line!r} lacks Connection: close")
        for name, value in fields.items():
            name = name.lower().replace("_", "-")
            expect(answer.fields.get(name) == value,
                   f"{answer.line!r} has {name}: {answer.fields.get(name)!r}, not {value!r}")
        if answer.status == 426:
            expect("upgrade" in connection, "426 lacks Connection: Upgrade")
            expect(answer.fields.get("upgrade") == "websocket", "426 lacks Upgrade: websocket")
            expect("13" in answer.fields.get("sec-websocket-version", ""), "426 names no version")
        if answer.status == 405:
            expect(answer.fields.get("allow"), "405 lacks Allow")
        length = int(answer.fields.get("content-length", -1))
        expect(length >= 0, f"{answer.line!r} lacks Content-Length")
        try:
            while True:
                peer.fill()
        except (Ended, TimeoutError) as end:
            expect(isinstance(end, Ended), f"TCP stays open behind {answer.line!r}")
        is_head = data.startswith(b"HEAD ")
        expect(len(peer.buffer) == (0 if is_head else length),
               f"{len(peer.buffer)} bytes follow {answer.line!r}, whose length is {length}")
        return answer


def accepted(ground, data, segments=None, text=b"still in step"):
    """Sends a handshake, perhaps in segments, and insists on 101 and an echo."""
    with ground.peer() as peer:
        for segment in segments or [data]:
            peer.send(segment)
        answer = peer.answer()
        expect(answer.status == 101, f"{data[:60]!r} was answered {answer.line!r}")
        if "sec-websocket-accept" in answer.fields:
            expect(answer.fields["sec-websocket-accept"] == ACCEPT, "wrong Sec-WebSocket-Accept")
        peer.send(frame(TEXT, text))
        peer.expect_echo(TEXT, text)
        return answer


def ended(ground, data, within=6.0):
    """Sends bytes and insists that the stream ends, whatever is said before."""
    with ground.peer() as peer:
        peer.send(data)
        drain(peer, within)


__all__ = ["CheckFailed", "accepted", "drain", "ended", "expect", "frame", "opening", "refused",
           "request", "upgrade"]
