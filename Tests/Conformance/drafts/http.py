"""Requests, byte by byte as a case wants them, and the head of a response."""

from dataclasses import dataclass, replace

from .peer import Ended, TimedOut


@dataclass(frozen=True)
class Request:
    """A request whose parts can be exchanged; nothing is checked, because nothing need be right."""

    target: str
    fields: tuple
    tail: bytes = b""
    method: str = "GET"
    version: str = "HTTP/1.1"

    def set(self, name, value):
        """Replaces the value of a field in its place, or appends the field."""
        if not any(field[0].lower() == name.lower() for field in self.fields):
            return self.add(name, value)
        fields = [(n, value if n.lower() == name.lower() else v) for n, v in self.fields]
        return replace(self, fields=tuple(fields))

    def drop(self, *names):
        lowercase = [name.lower() for name in names]
        kept = tuple(field for field in self.fields if field[0].lower() not in lowercase)
        return replace(self, fields=kept)

    def add(self, name, value):
        return replace(self, fields=self.fields + ((name, value),))

    def reordered(self, order):
        return replace(self, fields=tuple(self.fields[index] for index in order))

    def with_(self, **changes):
        return replace(self, **changes)

    def value(self, name):
        return next((v for n, v in self.fields if n.lower() == name.lower()), None)

    @property
    def head(self):
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"{name}: {value}" for name, value in self.fields]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    @property
    def bytes(self):
        return self.head + self.tail


class ResponseHead:
    """A response's head, taken apart but not tidied up."""

    def __init__(self, raw):
        self.raw = raw
        text = raw.decode("latin-1")
        self.lines = text[: -len("\r\n\r\n")].split("\r\n")
        self.status_line = self.lines[0]
        parts = self.status_line.split(" ", 2)
        is_http = len(parts) >= 2 and parts[0].startswith("HTTP/1.") and parts[1].isdigit()
        self.status = int(parts[1]) if is_http else None
        self.fields = []
        for line in self.lines[1:]:
            name, _, value = line.partition(":")
            self.fields.append((name, value.strip(" \t")))

    def all(self, name):
        return [value for n, value in self.fields if n.lower() == name.lower()]

    def one(self, trial, name):
        """The value of a field that must be there exactly once."""
        values = self.all(name)
        trial.must(len(values) == 1, f"{name} occurs {len(values)} times in the response")
        return values[0]


def read_head(peer):
    head = ResponseHead(peer.until(b"\r\n\r\n", "end of the response head", limit=65536))
    peer.trial.must(
        head.status is not None, f"the response begins with {head.status_line[:60]!r}"
    )
    return head


def accepted(peer):
    """Reads a response head that must be a 101."""
    head = read_head(peer)
    peer.trial.must(head.status == 101, f"refused with {head.status_line!r}")
    return head


def refused(peer, statuses=(400, 426), versions=False, may_close=True, may_stay=False):
    """Expects a refusal.

    A 101 breaks what the case demands. Another status than the usual ones is remarked, and so is a
    connection that stays open (unless it may stay), because a proxy may believe that it is a
    tunnel now.
    """
    trial = peer.trial
    try:
        head = read_head(peer)
    except Ended:
        trial.expect(not peer.received, "the connection ended within the response head")
        trial.should(may_close, "the connection was closed without a status")
        return None
    except TimedOut:
        trial.should(False, "the server neither answers nor closes")
        return None
    trial.expect(head.status != 101, f"accepted: {head.status_line!r}")
    if head.status == 101:
        return head
    wanted = " or ".join(str(status) for status in statuses)
    trial.should(head.status in statuses, f"status {head.status}, {wanted} is better")
    if versions:
        listed = [item.strip() for line in head.all("Sec-WebSocket-Version")
                  for item in line.split(",")]
        trial.should(
            bool(listed) and all(item.isdigit() for item in listed),
            "the refusal does not list the versions that are spoken",
        )
    if not may_stay:
        _, ended = peer.until_end(1.0)
        trial.should(ended, "the connection stays open behind the refusal")
    return head
