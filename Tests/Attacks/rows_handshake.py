"""Requests that are cut, long, malformed, ambiguous, or no requests at all."""

import contextlib
import time

from harness import TEXT, CheckFailed, Ended
from requests import accepted, ended, refused, request, upgrade
from suite import attack, drain, expect, frame


@attack(1, "a handshake cut anywhere, in odd case, with blanks and lists")
def row1_segments(ground):
    whole = upgrade()
    for cut in range(1, len(whole), 7):
        accepted(ground, whole, [whole[:cut], whole[cut:]])
    accepted(ground, whole, [bytes([byte]) for byte in whole])
    accepted(ground, request(
        "hOST:127.0.0.1", "UPGRADE: \t WebSocket \t", "connection:keep-alive , \tUPGRADE,foo",
        "sec-websocket-KEY:  dGhlIHNhbXBsZSBub25jZQ==  ", "SEC-WEBSOCKET-VERSION:\t13"))


@attack(2, "frames glued behind the request")
def row2_glued(ground):
    for text in (b"x", b"y" * 70_000):
        with ground.peer() as peer:
            peer.send(upgrade() + frame(TEXT, text) + frame(TEXT, b"second"))
            expect(peer.answer().status == 101, "no 101")
            peer.expect_echo(TEXT, text)
            peer.expect_echo(TEXT, b"second")


def flood(ground, start, piece, statuses, most):
    """Sends pieces until the server answers; no more than `most` bytes may be needed."""
    with ground.peer() as peer:
        peer.socket.settimeout(0.02)
        peer.send(start)
        sent = len(start)
        while True:
            try:
                peer.fill()
                break
            except Ended:
                break
            except TimeoutError:
                expect(sent < most, f"{sent} bytes without an answer")
                peer.send(piece)
                sent += len(piece)
        peer.socket.settimeout(5)
        answer = peer.answer()
        expect(answer.status in statuses, f"answered {answer.line!r}")
        expect("close" in answer.fields.get("connection", ""), "no Connection: close")
        drain(peer)


@attack(3, "a request line of 9 KiB, and one without end")
def row3_request_line(ground):
    refused(ground, upgrade(start=f"GET /{'x' * 9000} HTTP/1.1"), {414, 431})
    flood(ground, b"GET /", b"x" * 1024, {414, 431}, 64 << 10)


@attack(4, "a field of 9 KiB, and one without end")
def row4_field(ground):
    refused(ground, upgrade("X: " + "y" * 9000), {431})
    flood(ground, b"GET / HTTP/1.1\r\nHost: h\r\nX: ", b"y" * 1024, {431}, 64 << 10)
    flood(ground, b"GET / HTTP/1.1\r\nHost: h\r\n", b"y" * 1024, {431}, 64 << 10)


@attack(5, "3000 fields, and fields without end")
def row5_fields(ground):
    refused(ground, upgrade(*[f"X{number}: y" for number in range(3000)]), {431})
    flood(ground, b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 50, {431}, 64 << 10)


@attack(6, "a head in pieces of 32 bytes costs no more than one in a piece")
def row6_pieces(ground):
    lines = [f"X-{number}: {'z' * 140}" for number in range(90)]
    whole = upgrade(*lines)
    before = ground.server.cpu_seconds()
    for _ in range(10):
        accepted(ground, whole, [whole[at:at + 32] for at in range(0, len(whole), 32)])
    # Ten heads of 14 KiB. What is quadratic takes seconds; the canary's share is in it too.
    ground.note(f"{ground.server.cpu_seconds() - before:.2f} s of processor time")


@attack(7, "one name in 90 fields, and folded lines")
def row7_repeated(ground):
    accepted(ground, upgrade(*["X-Same: " + "v" * 90] * 90))
    refused(ground, upgrade("X: a", *[" folded"] * 200), {400, 431})


@attack(8, "bare LF, CR CR LF, a bare CR in a value")
def row8_line_ends(ground):
    refused(ground, upgrade().replace(b"\r\n", b"\n"), {400})
    refused(ground, upgrade().replace(b"\r\n", b"\r\r\n"), {400})
    refused(ground, upgrade("X: a\rb"), {400})
    refused(ground, upgrade("X: a\nb"), {400})
    refused(ground, upgrade("X: a\r"), {400})


@attack(9, "folded lines, also in the key")
def row9_folding(ground):
    refused(ground, upgrade("X: a\r\n b"), {400})
    refused(ground, upgrade("X: a\r\n\tb"), {400})
    refused(ground, upgrade("Sec-WebSocket-Key: dGhlIHNhbXBs\r\n ZSBub25jZQ==",
                            without=("Sec-WebSocket-Key",)), {400})
    refused(ground, request(" Host: h", "Host: h"), {400})


@attack(10, "control bytes in values, blanks before colons, names that are none")
def row10_field_syntax(ground):
    for byte in ("\x00", "\x0b", "\x7f", "\x07", "\x1b"):
        refused(ground, upgrade(f"X: a{byte}b"), {400})
    for line in ("X : a", ": a", "X\x01: a", "X(: a", "no colon", "X\t: a", "X\xe9: a", "\x00: a"):
        refused(ground, upgrade(line), {400})


@attack(11, "bytes from 0x80 on in values, UTF-8 in the target")
def row11_opaque(ground):
    accepted(ground, upgrade("X: " + "".join(map(chr, range(0x80, 0x100)))))
    accepted(ground, upgrade(start="GET /\xc3\xa9\xff HTTP/1.1"))


@attack(12, "no Host, two of them, malformed ones")
def row12_host(ground):
    refused(ground, upgrade(without=("Host",)), {400})
    refused(ground, upgrade("Host: 127.0.0.1"), {400})
    for host in ("[::1", "h:" + "9" * 19, "h:99999", "a b", "", "h:x", "u@h", "h/x", "[]", "[::1]x"):
        refused(ground, upgrade(Host=host), {400})
        refused(ground, request(f"Host: {host}"), {400})
    refused(ground, request(), {400})
    refused(ground, upgrade(start="GET http://[::1/ HTTP/1.1"), {400})
    accepted(ground, upgrade(Host="[::1]:80"))


@attack(13, "fields of the handshake twice")
def row13_duplicates(ground):
    accepted(ground, upgrade("Upgrade: websocket"))
    accepted(ground, upgrade("Connection: keep-alive"))
    refused(ground, upgrade("Upgrade: h2c"), {400, 426})
    refused(ground, upgrade("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), {400})
    refused(ground, upgrade("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="), {400})
    refused(ground, upgrade("Sec-WebSocket-Version: 13"), {400, 426})
    refused(ground, upgrade("Sec-WebSocket-Version: 8"), {400, 426})


@attack(14, "no Upgrade or another one, no Connection or another one")
def row14_no_upgrade(ground):
    for value in ("h2c", "websocketx", "web socket", "websocket/13", ""):
        refused(ground, upgrade(Upgrade=value), {426})
    refused(ground, upgrade(without=("Upgrade",)), {426})
    refused(ground, upgrade(without=("Connection",)), {426})
    for value in ("close", "keep-alive", "upgradex", "xupgrade", "up grade", ""):
        refused(ground, upgrade(Connection=value), {426})
    refused(ground, upgrade(without=("Upgrade", "Connection")), {426})


@attack(15, "keys that are none")
def row15_key(ground):
    refused(ground, upgrade(without=("Sec-WebSocket-Key",)), {400})
    for key in ("", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZQ", "x" * 24, "dGhlIHNhbXBsZSBub25jZQ=",
                "dGhlIHNhbXBsZSBub25jZWQxMjM0NTY3OA==", "dGhlIHNhbXBsZSBub25jZ!==",
                "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub2 5jZQ==", "=" * 24):
        refused(ground, upgrade(Sec_WebSocket_Key=key), {400})


@attack(16, "versions that are none, or not spoken")
def row16_version(ground):
    for version in ("99", "0", "6", "9", "12", "14", "-1", "0x13", "1 3", "x", "1" + "0" * 20):
        refused(ground, upgrade(Sec_WebSocket_Version=version), {426},
                sec_websocket_version="13, 8, 7")
    # Others read a version that is spoken here in these.
    for version in ("13x", "13, 8", "", "013", "+13", "13.0"):
        refused(ground, upgrade(Sec_WebSocket_Version=version), {400},
                sec_websocket_version="13, 8, 7")
    refused(ground, upgrade(without=("Sec-WebSocket-Version",)), {426},
            sec_websocket_version="13, 8, 7")


@attack(17, "methods other than GET")
def row17_method(ground):
    for method in ("POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "Get", "FOO"):
        refused(ground, upgrade(start=f"{method} / HTTP/1.1"), {405}, allow="GET")
    answer = refused(ground, upgrade(start="CONNECT h:80 HTTP/1.1"), {400, 405})
    expect(answer.status != 405 or "GET" in answer.fields["allow"], "CONNECT: no Allow")


@attack(18, "versions of HTTP that are not 1.1")
def row18_http_version(ground):
    for version in ("HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1junk", "HTTP/1.",
                    "http/1.1", "HTTP/1", "HTTP /1.1", "HTTP/11", "HTTP/1.1 ", "FTP/1.1"):
        refused(ground, upgrade(start=f"GET / {version}"), {400, 505})
    refused(ground, upgrade(start="GET /"), {400, 505})


@attack(19, "a target in absolute form")
def row19_absolute(ground):
    accepted(ground, upgrade(start="GET http://other:80/x?y HTTP/1.1"))
    accepted(ground, upgrade(start="GET http://other HTTP/1.1"))
    refused(ground, upgrade(start="GET http:///x HTTP/1.1"), {400})
    refused(ground, upgrade(start="GET ftp://h/x HTTP/1.1"), {400})


@attack(20, "targets that are none, and some that look like files")
def row20_targets(ground):
    for target in ("*", "h:80", "h", "\x01", "/a\x00b", "/a\x7f", "//\x1b"):
        refused(ground, upgrade(start=f"GET {target} HTTP/1.1"), {400})
    refused(ground, upgrade(start="GET  HTTP/1.1"), {400})
    refused(ground, upgrade(start="GET /a b HTTP/1.1"), {400})
    for target in ("/../..", "/%00", "/..%2f..%2fetc/passwd", "/?" + "q" * 4096, "//", "/#x"):
        accepted(ground, upgrade(start=f"GET {target} HTTP/1.1"))


@attack(21, "a body announced with an upgrade")
def row21_body(ground):
    for line in ("Content-Length: 5", "Content-Length: -1", "Content-Length: +5", "Content-Length: x",
                 "Content-Length: " + "9" * 23, "Content-Length: 5\r\nContent-Length: 5",
                 "Content-Length: 0\r\nContent-Length: 5", "Transfer-Encoding: chunked",
                 "Transfer-Encoding: identity", "Content-Length: 5\r\nTransfer-Encoding: chunked"):
        refused(ground, upgrade(line) + b"hello", {400})


@attack(22, "a second request behind a handshake is frames that are wrong")
def row22_smuggled(ground):
    for second in (request("Host: h"), upgrade()):
        with ground.peer() as peer:
            peer.send(upgrade() + second)
            expect(peer.answer().status == 101, "no 101")
            code = peer.closing()
            expect(code == 1002, f"closed with {code}")
            expect(b"HTTP/1.1" not in peer.buffer, "an HTTP answer behind the 101")
            drain(peer)


@attack(23, "a request behind a refused upgrade is never answered")
def row23_refused_and_more(ground):
    for bad in (upgrade(Sec_WebSocket_Version="99"), upgrade(Sec_WebSocket_Key="x"),
                upgrade(without=("Connection",)), upgrade(Upgrade="h2c")):
        # The length of what follows the refusal's head is checked to be that of its body.
        refused(ground, bad + request("Host: h") * 3, {400, 426})


@attack(24, "200 requests at once by a peer that does not read")
def row24_pipelined(ground):
    with ground.peer() as peer:
        peer.send(request("Host: h") * 200)
        time.sleep(0.3)
        count = 0
        try:
            while True:
                peer.fill()
        except Ended:
            count = peer.buffer.count(b"HTTP/1.1 ")
        expect(count == 1, f"{count} answers")


@attack(24, "2000 requests at once for a page, by 30 peers that do not read",
        serve=("--metrics", "/metrics"))
def row24_pipelined_page(ground):
    with contextlib.ExitStack() as stack:
        for _ in range(30):
            peer = stack.enter_context(ground.peer(timeout=0.2, receive_buffer=4096))
            with contextlib.suppress(TimeoutError):
                peer.send(request("Host: h", start="GET /metrics HTTP/1.1") * 2000)
        time.sleep(3)


@attack(25, "slow handshakes: nothing, half a head, a byte now and then", is_short=False)
def row25_slow(ground):
    since = time.monotonic()
    peers = [ground.peer(timeout=0.1) for _ in range(3)]
    peers[1].send(upgrade()[:40])
    left = dict(enumerate(peers))
    slow = upgrade("X: " + "y" * 500)
    ends = {}
    at = 0
    while left:
        expect(time.monotonic() - since < 14, f"{sorted(left)} stay open for 14 s")
        if 2 in left:
            peers[2].send(slow[at:at + 1])
            at += 1
        for number, peer in list(left.items()):
            try:
                peer.fill()
            except TimeoutError:
                continue
            except Ended:
                ends[number] = time.monotonic() - since
                del left[number]
    for number, end in ends.items():
        expect(8 <= end <= 13, f"{number} was closed after {end:.1f} s, not after 10")
        answer = peers[number].buffer
        expect(number == 0 or answer.startswith(b"HTTP/1.1 408 "), f"{number} got {answer[:40]!r}")
    for peer in peers:
        peer.socket.close()


@attack(26, "other protocols: at the first impossible byte")
def row26_other_protocols(ground):
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                 b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c",
                 b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00" * 16, b"\x81\x85abcdhello", b"\x00", b"\x16",
                 b"SSH-2.0"):
        since = time.monotonic()
        try:
            refused(ground, data, {400, 405, 505})
        except CheckFailed as failure:
            if "without an answer" not in str(failure):
                raise
        expect(time.monotonic() - since < 2, f"{data[:12]!r} took {time.monotonic() - since:.1f} s")
    ended(ground, b"\x16\x03\x01", 2)
