"""Opening handshakes, good and bad: the status line each gets, and that a refusal ends TCP."""

import contextlib
import random
import time

from harness import (
    ACCEPT, KEY, TEXT, CheckFailed, Ended, Peer, eventually, expect, frame, healthy, opening)

FIELDS = ("Upgrade: websocket\r\nConnection: Upgrade\r\n"
          f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n")


def request(line="GET / HTTP/1.1", host="Host: localhost\r\n", fields=FIELDS, extra=""):
    return f"{line}\r\n{host}{fields}{extra}\r\n".encode("latin-1")


def with_key(key):
    return opening(without=("Sec-WebSocket-Key",), extra=f"Sec-WebSocket-Key: {key}\r\n")


def with_version(version):
    return opening(without=("Sec-WebSocket-Version",),
                   extra=f"Sec-WebSocket-Version: {version}\r\n")


# Name, bytes, the statuses that are right. Where two are listed, the RFCs leave the choice.
REFUSED = [
    ("request line of 9 KiB", request("GET /" + "a" * 9216 + " HTTP/1.1"), {414}),
    ("header field of 9 KiB", opening(extra="X-Long: " + "a" * 9216 + "\r\n"), {431}),
    ("3000 header fields", opening(extra="X-A: b\r\n" * 3000), {431}),
    ("bare LF", opening().replace(b"\r\n", b"\n"), {400}),
    ("CR CR LF", request(extra="X-A: b\r\r\n"), {400}),
    ("bare CR in a value", request(extra="X-A: b\rc\r\n"), {400}),
    ("folded field", request(extra="X-A: b\r\n c\r\n"), {400}),
    ("folded key", with_key(KEY[:8] + "\r\n " + KEY[8:]), {400}),
    ("NUL in a value", request(extra="X-A: b\x00c\r\n"), {400}),
    ("BEL in a value", request(extra="X-A: b\x07c\r\n"), {400}),
    ("DEL in a value", request(extra="X-A: b\x7fc\r\n"), {400}),
    ("blank before the colon", request(extra="X-A : b\r\n"), {400}),
    ("empty field name", request(extra=": b\r\n"), {400}),
    ("field name with a bracket", request(extra="X[A]: b\r\n"), {400}),
    ("field without a colon", request(extra="X-A\r\n"), {400}),
    ("no Host", request(host=""), {400}),
    ("two Hosts", request(host="Host: a\r\nHost: b\r\n"), {400}),
    ("two keys", opening(extra=f"Sec-WebSocket-Key: {KEY}\r\n"), {400}),
    ("two different versions", opening(extra="Sec-WebSocket-Version: 8\r\n"), {400, 426}),
    ("no Upgrade", opening(without=("Upgrade",)), {426}),
    ("Upgrade: h2c", opening(without=("Upgrade",), extra="Upgrade: h2c\r\n"), {426}),
    ("Upgrade: websocketx", opening(without=("Upgrade",), extra="Upgrade: websocketx\r\n"), {426}),
    ("no Connection", opening(without=("Connection",)), {400, 426}),
    ("Connection: close", opening(without=("Connection",), extra="Connection: close\r\n"),
     {400, 426}),
    ("no key", opening(without=("Sec-WebSocket-Key",)), {400}),
    ("empty key", with_key(""), {400}),
    ("key of 15 bytes", with_key("AAAAAAAAAAAAAAAAAAAA"), {400}),
    ("key of 17 bytes", with_key("AAAAAAAAAAAAAAAAAAAAAAA="), {400}),
    ("key with a wrong letter", with_key("dGhlIHNhbXBsZSBub25j*Q=="), {400}),
    ("version 99", with_version("99"), {426}),
    ("version -1", with_version("-1"), {426}),
    ("version 0x13", with_version("0x13"), {426}),
    ("version 10^20", with_version("1" + "0" * 20), {426}),
    ("no version", opening(without=("Sec-WebSocket-Version",)), {426}),
    ("POST", opening(method="POST"), {405}),
    ("PUT", opening(method="PUT"), {405}),
    ("CONNECT", request("CONNECT localhost:80 HTTP/1.1"), {400, 405}),
    ("method in small letters", opening(method="get"), {400, 405}),
    ("HTTP/1.0", opening(version="HTTP/1.0"), {400, 505}),
    ("HTTP/2.0", opening(version="HTTP/2.0"), {400, 505}),
    ("HTTP/9.9", opening(version="HTTP/9.9"), {400, 505}),
    ("HTTP/1.1junk", opening(version="HTTP/1.1junk"), {400, 505}),
    ("no HTTP version", b"GET /\r\n" + opening().split(b"\r\n", 1)[1], {400, 505}),
    ("two blanks in the request line", request("GET  / HTTP/1.1"), {400}),
    ("control byte in the target", request("GET /\x01 HTTP/1.1"), {400}),
    ("target without a slash", request("GET x HTTP/1.1"), {400, 404}),
    ("two Content-Lengths", opening(extra="Content-Length: 5\r\nContent-Length: 6\r\n"), {400}),
    ("negative Content-Length", opening(extra="Content-Length: -5\r\n"), {400}),
    ("signed Content-Length", opening(extra="Content-Length: +5\r\n"), {400}),
    ("huge Content-Length", opening(extra="Content-Length: 1" + "0" * 23 + "\r\n"), {400, 413}),
    ("Transfer-Encoding", opening(extra="Transfer-Encoding: chunked\r\n"), {400}),
    ("subprotocol with a blank", opening(extra="Sec-WebSocket-Protocol: chat v1\r\n"), {400}),
    ("unclosed quote in an extension",
     opening(extra='Sec-WebSocket-Extensions: a; b="' + "\\a" * 2000 + "\r\n"), {400}),
    ("TLS hello", bytes.fromhex("16030100c8010000c403035f") + bytes(200), {400}),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 405, 505}),
    ("PROXY line", b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n" + opening(), {400, 405, 505}),
    ("SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n", {400}),
    ("zero bytes", bytes(64), {400}),
]

ACCEPTED = [
    ("plain", opening()),
    ("field names in small letters", opening().lower().replace(KEY.lower().encode(), KEY.encode())
     .replace(b"get / http", b"GET / HTTP")),
    ("Upgrade: WebSocket", opening(without=("Upgrade",), extra="Upgrade: WebSocket\r\n")),
    ("Connection: keep-alive, Upgrade",
     opening(without=("Connection",), extra="Connection: keep-alive, Upgrade\r\n")),
    ("tabs and no blanks around values",
     opening(without=("Upgrade", "Connection"),
             extra="Upgrade:websocket\r\nConnection:\t Upgrade \t\r\n")),
    ("version 8 of the drafts", with_version("8")),
    ("version 7 of the drafts", with_version("7")),
    ("absolute form", opening(path="http://127.0.0.1/chat?x=1")),
    ("bytes above 127 in a value", opening(extra="X-A: \xe9\xff\x80\r\n")),
    ("query of 4 KiB", opening(path="/?" + "q" * 4096)),
    ("40 more fields", opening(extra="X-A: b\r\n" * 40)),
    ("unknown extension", opening(extra="Sec-WebSocket-Extensions: x-unknown; a=1\r\n")),
    ("compression with a bad parameter",
     opening(extra="Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=abc\r\n")),
    ("some other Origin", opening(extra="Origin: https://elsewhere.example\r\n")),
]

# Not said by any RFC in one way, and never a reason to crash or to hang.
ANSWERED = [
    ("target *", request("GET * HTTP/1.1")),
    ("target /../..", request("GET /../../etc/passwd HTTP/1.1")),
    ("target with %00", request("GET /%00%ff HTTP/1.1")),
    ("target in UTF-8", request("GET /\xc3\xa9 HTTP/1.1")),
    ("Host [::1", request(host="Host: [::1\r\n")),
    ("Host with a huge port", request(host="Host: a:10000000000000000000\r\n")),
    ("HEAD", opening(method="HEAD")),
    ("empty subprotocol list", opening(extra="Sec-WebSocket-Protocol: ,\r\n")),
    ("700 subprotocols",
     opening(extra="Sec-WebSocket-Protocol: " + ",".join(f"p{n}" for n in range(700)) + "\r\n")),
    ("350 extension offers",
     opening(extra="Sec-WebSocket-Extensions: " + ",".join(["permessage-deflate"] * 350) + "\r\n")),
    ("Expect: 100-continue", opening(extra="Expect: 100-continue\r\n")),
]


def run(report, server):
    report.group = "handshake"
    slow = Peer(server, timeout=20)
    slow.send(opening()[:60])
    slow_since = time.monotonic()

    accepted(report, server)
    refused(report, server)
    pipelines(report, server)
    abandoned(report, server)
    mutated(report, server)

    with report.check("half a request is cut off at the deadline"), slow:
        try:
            answer = slow.answer()
            expect(answer.status == 408, f"answered {answer.line!r}")
        except CheckFailed as failure:
            expect("ended without an answer" in str(failure), str(failure))
        expect(time.monotonic() - slow_since > 3, "it was cut off at once")
    with report.check("a fresh client is served after all this"):
        healthy(server)


def accepted(report, server):
    for name, data in ACCEPTED:
        with report.check(f"101 for {name}"), Peer(server) as peer:
            peer.send(data)
            answer = peer.answer()
            expect(answer.status == 101, f"answered {answer.line!r}")
            expect(answer.fields.get("sec-websocket-accept") == ACCEPT, "wrong accept value")
            expect("sec-websocket-extensions" not in answer.fields, "an extension was accepted")
            peer.send(frame(TEXT, b"after"))
            peer.expect_echo(TEXT, b"after")
    with report.check("101 for a request in segments of one byte"), Peer(server) as peer:
        for byte in opening():
            peer.send(bytes([byte]))
        expect(peer.answer().status == 101, "refused")
    with report.check("101 for a request cut in two at every byte"):
        data = opening()
        for cut in range(1, len(data)):
            with Peer(server) as peer:
                peer.send(data[:cut])
                peer.send(data[cut:])
                expect(peer.answer().status == 101, f"refused when cut at {cut}")
    with report.check("frames behind the request are not lost"), Peer(server) as peer:
        peer.send(opening() + frame(TEXT, b"one") + frame(TEXT, b"two")[:5])
        expect(peer.answer().status == 101, "refused")
        peer.expect_echo(TEXT, b"one")


def refused(report, server):
    for name, data, statuses in REFUSED:
        wanted = " or ".join(str(status) for status in sorted(statuses))
        with report.check(f"{wanted} for {name}"), Peer(server) as peer:
            peer.send(data)
            answer = peer.answer()
            expect(answer.status in statuses, f"answered {answer.line!r}")
            check_refusal(peer, answer)
    for name, data in ANSWERED:
        with report.check(f"an answer to {name}"), Peer(server) as peer:
            peer.send(data)
            answer = peer.answer()
            expect(answer.status == 101 or 400 <= answer.status < 506, f"answered {answer.line!r}")


def check_refusal(peer, answer):
    tokens = [token.strip().lower() for token in answer.fields.get("connection", "").split(",")]
    expect("close" in tokens, "no `Connection: close`")
    if answer.status == 405:
        expect("GET" in answer.fields.get("allow", ""), "405 without Allow")
    if answer.status == 426:
        upgrade = answer.fields.get("upgrade", "").lower()
        expect("websocket" in upgrade, "426 without `Upgrade: websocket`")
        versions = answer.fields.get("sec-websocket-version", "")
        expect("13" in versions, "426 without the versions spoken")
    length = int(answer.fields.get("content-length", "0"))
    expect(length > 0, "a refusal without a word")
    peer.take(length)
    peer.expect_end()


def pipelines(report, server):
    with report.check("a request behind a refused upgrade stays unanswered"), Peer(server) as peer:
        peer.send(opening(without=("Sec-WebSocket-Key",)) + b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = peer.answer()
        expect(answer.status == 400, f"answered {answer.line!r}")
        check_refusal(peer, answer)
    with report.check("a request behind an accepted upgrade is taken for frames"):
        with Peer(server) as peer:
            peer.send(opening() + b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
            expect(peer.answer().status == 101, "refused")
            code = peer.closing()
            expect(code == 1002, f"closed with {code}")
    with report.check("200 pipelined requests get one answer and the end"), Peer(server) as peer:
        peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        with contextlib.suppress(Ended):
            while True:
                peer.fill()
        count = peer.buffer.count(b"HTTP/1.1 ")
        expect(count == 1, f"{count} answers")


def abandoned(report, server):
    before = server.descriptors()
    with report.check("connections reset or left at any stage free their descriptors"):
        for _ in range(20):
            for data in (b"", opening()[:40], opening()):
                peer = Peer(server)
                peer.send(data)
                peer.reset()
        for _ in range(300):
            Peer(server).socket.close()
        half_open = [Peer(server) for _ in range(200)]
        for peer in half_open:
            peer.send(b"GET / HTTP/1.1\r\n")
        healthy(server)
        for peer in half_open:
            peer.socket.close()
        eventually(lambda: server.descriptors() <= before,
                   f"descriptors did not return to {before}")


def mutated(report, server, count=400):
    generator = random.Random(6455)
    with report.check(f"{count} mutated handshakes do no harm"):
        for _ in range(count):
            data = bytearray(opening())
            for _ in range(generator.randint(1, 6)):
                at = generator.randrange(len(data))
                kind = generator.randrange(3)
                if kind == 0:
                    data[at] = generator.randrange(256)
                elif kind == 1:
                    del data[at]
                else:
                    data[at:at] = bytes([generator.randrange(256)]) * generator.randint(1, 40)
            with Peer(server) as peer:
                peer.send(bytes(data))
        healthy(server)


def run_origins(report, demo):
    """The demo's chat takes same-origin pages only."""
    report.group = "origin"
    own = f"http://{demo.host}:{demo.port}"
    cases = [
        ("same origin", own, 101),
        ("other host", "http://evil.example", 403),
        ("other port", f"http://{demo.host}:1", 403),
        ("other scheme's null", "null", 403),
        ("prefix of ours", f"{own}.evil.example", 403),
        ("two origins", f"{own}, http://evil.example", 403),
    ]
    for name, origin, status in cases:
        with report.check(f"{status} for {name}"), Peer(demo) as peer:
            peer.send(opening("/chat", host=f"{demo.host}:{demo.port}",
                              extra=f"Origin: {origin}\r\n"))
            answer = peer.answer()
            expect(answer.status == status, f"answered {answer.line!r}")
