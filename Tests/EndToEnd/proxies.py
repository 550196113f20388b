"""Behind a real HAProxy in TCP mode: PROXY headers of both versions, before plain and TLS bytes.

HAProxy connects from 127.0.0.1, and the clients that it speaks for from other addresses of the
loopback network, so that the server's limits for each address can be told apart. Left out where
there is no HAProxy.
"""

import contextlib
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

from harness import TEXT, CheckFailed, Ended, Peer, Server, eventually, expect, frame
from secure import Certificates

CONFIGURATION = """
global
    maxconn 2000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""
SECTION = """
listen {name}
    bind 127.0.0.1:{port}
    server one 127.0.0.1:{server} {how}
"""


def run(report, bench):
    report.group = "proxies"
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if program is None:
        print("proxies: there is no haproxy, so these checks are left out", flush=True)
        return
    made = Certificates()
    limits = ["--trusted-proxy", "127.0.0.1", "--max-connections-per-address", "2"]
    serve = [*bench, "serve", "--port", "0", *limits]
    with Server(serve, "serve-proxied") as plain, \
            Server([*serve, *made.serve()], "serve-proxied-tls") as secure, \
            Proxy(program, {"v1": (plain, "send-proxy"), "v2": (plain, "send-proxy-v2"),
                            "tls v1": (secure, "send-proxy"), "tls v2": (secure, "send-proxy-v2"),
                            "checked": (plain, "send-proxy-v2 check inter 50ms"),
                            "bare": (plain, "")}) as proxy:
        for name in ("v1", "v2", "tls v1", "tls v2"):
            with report.check(f"HAProxy, {name}: each client is counted by its own address"):
                counted(proxy, name, made if name.startswith("tls") else None)
        with report.check("HAProxy's own health checks are let in, however many"):
            time.sleep(1)
            with proxy.client("checked", "127.0.0.8") as client:
                echo(client)
        with report.check("HAProxy that does not say who its client is, is refused with 400"):
            with proxy.client("bare", "127.0.0.9", shakes=False) as client:
                client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                expect(client.answer().status == 400, "not refused")


class Proxy:
    """A running HAProxy with a port for each way to tell."""

    def __init__(self, program, ways):
        self.folder = tempfile.TemporaryDirectory(prefix="stargate-haproxy-")
        self.ports = {}
        text = CONFIGURATION
        for name, (server, how) in ways.items():
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.ports[name] = probe.getsockname()[1]
            text += SECTION.format(name=name.replace(" ", "-"), port=self.ports[name],
                                   server=server.port, how=how)
        path = pathlib.Path(self.folder.name) / "haproxy.cfg"
        path.write_text(text)
        self.process = subprocess.Popen([program, "-db", "-f", str(path)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: all(map(listens, self.ports.values())), "HAProxy does not listen")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def client(self, name, source, made=None, shakes=True):
        """A client that sits at an address of its own."""
        client = Client(self.ports[name], source, made)
        if shakes:
            try:
                client.shake()
            except BaseException:
                client.socket.close()
                raise
        return client


class Client(Peer):
    """A peer that connects from an address of its choice, with TLS if there is a certificate."""

    def __init__(self, port, source, made):
        self.socket = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
        self.buffer = b""
        if made:
            context = ssl.create_default_context(cafile=made.path("cert.pem"))
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def echo(client):
    client.send(frame(TEXT, b"through the proxy"))
    client.expect_echo(TEXT, b"through the proxy")


def is_let_in(proxy, name, source, made):
    """The proxy tells the server that clients have gone when it hears of it."""
    try:
        with proxy.client(name, source, made) as client:
            echo(client)
            return True
    except (CheckFailed, Ended, ssl.SSLError, ConnectionError):
        return False


def counted(proxy, name, made):
    number = list(proxy.ports).index(name)
    with contextlib.ExitStack() as stack:
        # Two from each of three addresses: more in all than one address may have.
        for last in range(3):
            for _ in range(2):
                client = stack.enter_context(proxy.client(name, f"127.0.{number}.{last + 10}", made))
                echo(client)
        try:
            third = stack.enter_context(proxy.client(name, f"127.0.{number}.10", made, shakes=False))
            third.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            status = third.answer().status
        except (CheckFailed, Ended, ssl.SSLError, ConnectionError):
            # With TLS nothing can be said before the handshake.
            status = "the end"
        expect(status == ("the end" if made else 503), f"the third of an address got {status}")
        echo(client)
    eventually(lambda: is_let_in(proxy, name, f"127.0.{number}.11", made),
               "an address has no place after its clients have gone")
