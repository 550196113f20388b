"""TLS against programs that others wrote: Python's ssl, curl, openssl s_client, and Chromium.

The certificates are made on the spot with the openssl command: one that stands for itself, for
localhost, 127.0.0.1 and ::1.
"""

import asyncio
import base64
import contextlib
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile

from websockets.asyncio.server import serve

import browser
import clients
from harness import Server, expect


class Certificates:
    """A folder with `cert.pem` and `key.pem`, and the same for another name."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="stargate-tls-")
        self.make("cert", "localhost", "DNS:localhost,IP:127.0.0.1,IP:::1")
        self.make("other", "other.test", "DNS:other.test")

    def path(self, name):
        return str(pathlib.Path(self.folder.name) / name)

    def make(self, name, subject, alternatives):
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "30", "-subj", f"/CN={subject}", "-addext",
             f"subjectAltName={alternatives}", "-keyout", self.path(f"{name}.key"),
             "-out", self.path(f"{name}.pem")])

    def serve(self):
        return ["--tls-cert", self.path("cert.pem"), "--tls-key", self.path("cert.key")]


def run(command, words=b"", within=20):
    """Runs a program to its end: (exit status, everything it said)."""
    done = subprocess.run(command, input=words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=within, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


@contextlib.contextmanager
def trusted(path):
    """Python's default context, which `websockets` makes for wss:, trusts this file."""
    os.environ["SSL_CERT_FILE"] = path
    try:
        yield
    finally:
        del os.environ["SSL_CERT_FILE"]


def run_all(report, bench, demo):
    report.group = "tls"
    made = Certificates()
    with Server([*bench, "serve", "--port", "0", *made.serve(), "--max-message-size", str(1 << 20)],
                "serve-tls") as server:
        with trusted(made.path("cert.pem")):
            clients.run_python(report, server)
        report.group = "tls"
        versions(report, server, made)
        openssl(report, server, made)
        curl(report, server, made)
        own_client(report, bench, server, made)
    client_certificates(report, bench, made)
    asyncio.run(python_server(report, bench, made))
    if demo:
        page(report, demo, made)


def versions(report, server, made):
    """By Python, whose ssl module needs coaxing to speak what is forbidden."""
    for name, version, accepted in (("1.0", ssl.TLSVersion.TLSv1, False),
                                    ("1.1", ssl.TLSVersion.TLSv1_1, False),
                                    ("1.2", ssl.TLSVersion.TLSv1_2, True),
                                    ("1.3", ssl.TLSVersion.TLSv1_3, True)):
        with report.check(f"TLS {name} is {'spoken' if accepted else 'refused'}"):
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}",
                       "-CAfile", made.path("cert.pem"), f"-tls{name}".replace(".", "_")
                       .replace("_0", ""), "-cipher", "ALL:@SECLEVEL=0"]
            status, said = run(command)
            if accepted:
                expect(status == 0 and "Verify return code: 0" in said, said[-300:])
            else:
                expect(status != 0 and "alert protocol version" in said, said[-300:])


def openssl(report, server, made):
    base = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}",
            "-CAfile", made.path("cert.pem")]
    with report.check("ALPN: http/1.1 is chosen among others"):
        _, said = run([*base, "-alpn", "h2,http/1.1"])
        expect("ALPN protocol: http/1.1" in said, said[-300:])
    with report.check("ALPN: h2 alone gets no_application_protocol"):
        status, said = run([*base, "-alpn", "h2"])
        expect(status != 0 and "no application protocol" in said, said[-300:])
    for version in ("-tls1_2", "-tls1_3"):
        with report.check(f"a session is resumed ({version})"):
            file = made.path(f"session{version}")
            # A request, so that the ticket of TLS 1.3 has arrived before the end.
            words = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            status, said = run([*base, version, "-ign_eof", "-sess_out", file], words)
            expect("New, TLS" in said, said[-300:])
            status, said = run([*base, version, "-ign_eof", "-sess_in", file], words)
            expect("Reused, TLS" in said, said[-300:])
    with report.check("the end comes with a close_notify"):
        _, said = run([*base, "-ign_eof", "-msg"], b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        expect("426 Upgrade Required" in said, said[-300:])
        expect("close_notify" in said.split("426 Upgrade")[1], said[-300:])
        expect("unexpected eof" not in said, said[-300:])
    with report.check("renegotiation is refused"):
        _, said = run([*base, "-tls1_2"], b"R\n")
        expect("no renegotiation" in said, said[-300:])


def curl(report, server, made):
    if not shutil.which("curl"):
        report.line("curl is installed", False, "run Scripts/install-dependencies.sh test")
        return
    url = f"https://localhost:{server.port}/"
    with report.check("curl opens a WebSocket connection over TLS"):
        _, said = run(["curl", "-si", "--http1.1", "--max-time", "3", "--cacert",
                       made.path("cert.pem"), "-H", "Connection: Upgrade", "-H",
                       "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H",
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", url])
        expect("101 Switching Protocols" in said, said[-300:])
        expect("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in said, said[-300:])
    with report.check("curl trusts nobody else"):
        status, _ = run(["curl", "-s", url])
        expect(status == 60, f"exit status {status}")


def own_client(report, bench, server, made):
    def echo(*options, url=server.url):
        return run([*bench, "echo", "-n", "100", "-c", "2", "--quiet", *options, f"{url}/"])

    for name, options in (("with --cacert", ["--cacert", made.path("cert.pem")]),
                          ("with --insecure", ["--insecure"]),
                          ("with TLS 1.2", ["-k", "--tls-max", "1.2"]),
                          ("with TLS 1.3", ["-k", "--tlsv1.3"])):
        with report.check(f"stargate-bench echo {name}"):
            status, said = echo(*options)
            expect(status == 0, said[-300:])
    with report.check("without an authority it says that the certificate stands for itself"):
        status, said = echo()
        expect(status != 0 and "self-signed certificate" in said, said[-300:])
    with report.check("with another authority it says so too"):
        status, said = echo("--cacert", made.path("other.pem"))
        expect(status != 0 and "self-signed certificate" in said, said[-300:])


def client_certificates(report, bench, made):
    command = [*bench, "serve", "--port", "0", *made.serve(), "--tls-client-ca",
               made.path("other.pem")]
    with Server(command, "serve-mutual") as server:
        trust = ["--cacert", made.path("cert.pem")]
        known = ["--cert", made.path("other.pem"), "--key", made.path("other.key")]
        for name, options, accepted in (("with one", known, True), ("without", [], False)):
            with report.check(f"a server that asks for certificates, a client {name}"):
                status, said = run([*bench, "echo", "-n", "10", "-c", "1", "--quiet", *trust, *options,
                                    f"{server.url}/"])
                expect((status == 0) == accepted, said[-300:])
        with report.check("curl shows its certificate"):
            status, said = run(["curl", "-s", *trust, *known, f"https://localhost:{server.port}/"])
            expect(status == 0 and "WebSocket" in said, f"{status} {said[-300:]}")
        with report.check("openssl without a certificate hears that one is required"):
            _, said = run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}",
                           "-ign_eof"], b"GET / HTTP/1.1\r\n\r\n")
            expect("certificate required" in said, said[-300:])


async def python_server(report, bench, made):
    """Our client against a server of others."""
    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    async def measure(name, *options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.path(f"{name}.pem"), made.path(f"{name}.key"))
        async with serve(echo, "127.0.0.1", 0, ssl=context, compression=None) as server:
            port = server.sockets[0].getsockname()[1]
            return await asyncio.to_thread(
                run, [*bench, "echo", "-n", "200", "-c", "4", "--quiet", *options,
                      f"wss://127.0.0.1:{port}/"])

    with report.check("our client and Python's wss server"):
        status, said = await measure("cert", "--cacert", made.path("cert.pem"))
        expect(status == 0, said[-300:])
    with report.check("our client finds a certificate for another name"):
        status, said = await measure("other", "--cacert", made.path("other.pem"))
        expect(status != 0 and "mismatch" in said, said[-300:])


def page(report, demo, made):
    program = next(filter(None, map(shutil.which, browser.NAMES)), None)
    if not program:
        report.line("a browser is installed", False, "run Scripts/install-dependencies.sh test")
        return
    _, key = run(["openssl", "x509", "-in", made.path("cert.pem"), "-pubkey", "-noout"])
    lines = key.strip().splitlines()[1:-1]
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], check=True,
                            input=base64.b64decode("".join(lines)), capture_output=True).stdout
    pin = base64.b64encode(digest).decode()
    with Server([*demo, "--port", "0", *made.serve()], "demo-tls") as server:
        # This key and no other is accepted without an authority.
        chromium = browser.Browser(program, f"--ignore-certificate-errors-spki-list={pin}")
        try:
            with report.check("two tabs of Chromium talk over https and wss"):
                url = f"https://localhost:{server.port}/"
                one, two = browser.Tab(chromium, url), browser.Tab(chromium, url)
                one.wait_open()
                two.wait_open()
                one.say("Nobody else can read this")
                two.wait_line("Nobody else can read this")
                expect(one.evaluate("isSecureContext"), "the context is not secure")
        finally:
            chromium.close()
        with report.check("the demo ends in good order"):
            status, _ = server.stop()
            expect(status == 0, f"exit status {status}")
