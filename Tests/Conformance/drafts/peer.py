"""One connection to the server under test: bytes out in chosen segments, bytes in under a deadline.

Every byte that crosses it is written to the transcript of its trial.
"""

import socket
import ssl
import time


class TimedOut(Exception):
    """The server did not do in time what the case waits for."""


class Ended(Exception):
    """The server ended the connection where the case expected bytes."""


class Peer:
    def __init__(self, trial):
        target = trial.options.target
        self.trial = trial
        self.received = b""
        self.has_ended = False
        remaining = trial.remaining()
        raw = socket.create_connection((target.host, target.port), timeout=remaining)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.is_secure:
            # The certificate of a test server is not what is tested here.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            raw = context.wrap_socket(raw, server_hostname=target.host)
        self.socket = raw

    # Sending

    def send(self, *segments, pause=0.02):
        """Sends each segment by itself, with a pause between them that lets it arrive alone."""
        for index, segment in enumerate(segments):
            if index and pause:
                time.sleep(pause)
            self.trial.log("sent", segment)
            try:
                self.socket.settimeout(self.trial.remaining())
                self.socket.sendall(segment)
            except (BrokenPipeError, ConnectionError, ssl.SSLError):
                # The server has closed: what it said before is still there to be read.
                self.trial.log("note", b"the server takes no more bytes")
                return
            except (TimeoutError, socket.timeout):
                raise TimedOut("the server stopped reading") from None

    def send_bytewise(self, data, pause=0.002):
        self.send(*[data[index : index + 1] for index in range(len(data))], pause=pause)

    def half_close(self):
        self.trial.log("note", b"no more bytes will be sent (FIN)")
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    # Receiving

    def _receive(self, timeout):
        """True for more bytes in `received`, False at the connection's end, None if none came."""
        if self.has_ended:
            return False
        try:
            self.socket.settimeout(max(timeout, 0.001))
            data = self.socket.recv(65536)
        except (TimeoutError, socket.timeout, ssl.SSLWantReadError):
            return None
        except (ConnectionError, ssl.SSLError) as error:
            self.trial.log("note", f"the connection was cut: {error}".encode())
            data = b""
        except OSError as error:
            self.trial.log("note", str(error).encode())
            data = b""
        if not data:
            self.has_ended = True
            self.trial.log("note", b"the server ended the connection")
            return False
        self.trial.log("received", data)
        self.received += data
        return True

    def _wait(self, is_there, what):
        while not is_there():
            arrived = self._receive(self.trial.remaining())
            if arrived is None:
                raise TimedOut(f"no {what} in time")
            if arrived is False:
                raise Ended(f"the connection ended before {what}")

    def take(self, count):
        """Removes bytes that are known to be there."""
        data, self.received = self.received[:count], self.received[count:]
        return data

    def exactly(self, count, what):
        self._wait(lambda: len(self.received) >= count, what)
        return self.take(count)

    def until(self, delimiter, what, limit=1 << 24):
        """Everything up to and with the delimiter."""
        searched = 0

        def is_there():
            nonlocal searched
            if self.received.find(delimiter, max(0, searched - len(delimiter))) >= 0:
                return True
            searched = len(self.received)
            return searched > limit

        self._wait(is_there, what)
        end = self.received.find(delimiter)
        if end < 0:
            raise TimedOut(f"no {what} within {limit} bytes")
        return self.take(end + len(delimiter))

    def until_end(self, timeout=None):
        """All that still comes; (bytes, whether the server ended the connection in time)."""
        deadline = time.monotonic() + min(timeout or 1e9, self.trial.remaining())
        while not self.has_ended:
            left = deadline - time.monotonic()
            if left <= 0 or self._receive(left) is None:
                break
        return self.take(len(self.received)), self.has_ended

    def listen(self, seconds):
        """What comes within that time; stops early at the end of the connection."""
        return self.until_end(seconds)[0]

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass
