"""One run of one case: its deadline, its connections, its transcript and its verdict."""

import time

from .case import FAILED, MUST, NON_STRICT, OK
from .peer import Ended, Peer, TimedOut

# Longer pieces are cut in the transcript: reports are for reading.
LOGGED_BYTES_MAX = 400
LOG_ENTRIES_MAX = 120
NO_CONNECTION = "the server takes no connection"


class Missed(Exception):
    """An expectation of the severity `must` was not met."""


class Trial:
    def __init__(self, case, options):
        self.case = case
        self.options = options
        self.started = time.monotonic()
        self.deadline = self.started + options.timeout
        self.peers = []
        self.entries = []
        self.remarks = []
        self.is_strict = True

    # Time and connections

    def remaining(self):
        return max(0.001, self.deadline - time.monotonic())

    def allow(self, seconds):
        """Gives the case more time, for servers that are expected to wait."""
        self.deadline += seconds

    def connect(self):
        try:
            peer = Peer(self)
        except OSError as error:
            raise Missed(f"{NO_CONNECTION}: {error}") from None
        self.peers.append(peer)
        return peer

    def log(self, kind, data):
        if len(self.entries) == LOG_ENTRIES_MAX:
            self.entries.append(("note", 0, "..."))
        if len(self.entries) > LOG_ENTRIES_MAX:
            return
        shown = data[:LOGGED_BYTES_MAX].decode("latin-1")
        self.entries.append((kind, len(data), shown))

    # Judging

    def must(self, holds, complaint):
        if not holds:
            raise Missed(complaint)

    def should(self, holds, complaint):
        if not holds:
            self.is_strict = False
            self.remark(complaint)

    def expect(self, holds, complaint):
        """Judges by the severity of the case."""
        if self.case.severity == MUST:
            self.must(holds, complaint)
        else:
            self.should(holds, complaint)

    def equal(self, actual, expected, what):
        self.must(actual == expected, f"{what} is {shown(actual)}, expected {shown(expected)}")

    def expect_equal(self, actual, expected, what):
        self.expect(actual == expected, f"{what} is {shown(actual)}, expected {shown(expected)}")

    def remark(self, text):
        if text not in self.remarks:
            self.remarks.append(text)

    def run(self):
        """Runs the case; returns (result, remarks)."""
        try:
            self.case.check(self)
            result = OK if self.is_strict else NON_STRICT
        except (Missed, TimedOut, Ended) as problem:
            # Waiting in vain is judged by the case's severity too.
            result = FAILED
            if self.case.severity != MUST and not isinstance(problem, Missed):
                result = NON_STRICT
            self.remarks.insert(0, str(problem))
        finally:
            for peer in self.peers:
                peer.close()
        return result, self.remarks


def shown(value):
    """Bytes for people, cut to a line."""
    if isinstance(value, (bytes, bytearray)):
        text = repr(bytes(value[:80]))[1:]
        return text + (f"... ({len(value)} bytes)" if len(value) > 80 else "")
    return repr(value)
