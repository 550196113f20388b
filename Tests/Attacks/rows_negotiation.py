"""What a handshake negotiates: origins, subprotocols, extensions; and connections that come and go."""

import contextlib
import random
import threading
import time

from harness import TEXT, Ended, opening
from requests import accepted, refused, request, upgrade
from suite import attack, drain, eventually, expect, frame


@attack(28, "lists of subprotocols: empty, double, 6 KiB of blanks, 700 names")
def row28_subprotocols(ground):
    answer = accepted(ground, upgrade("Sec-WebSocket-Protocol: ,, ,"))
    expect("sec-websocket-protocol" not in answer.fields, "a subprotocol was chosen from none")
    accepted(ground, upgrade("Sec-WebSocket-Protocol:" + " " * 6000 + "a"))
    accepted(ground, upgrade("Sec-WebSocket-Protocol: a" + " " * 6000 + ",b"))
    accepted(ground, upgrade("Sec-WebSocket-Protocol: " + ", ".join(f"p{n}" for n in range(700))))
    for names in ("a, a", "a b", "a;b", "\"a\"", "a, (", "a/b", "a=b", "\xe9"):
        refused(ground, upgrade(f"Sec-WebSocket-Protocol: {names}"), {400})


@attack(29, "line ends on their way into the response")
def row29_injection(ground):
    for start in ("GET /a%0d%0aX-Evil:%201 HTTP/1.1", "GET /?%0d%0aX-Evil:%201 HTTP/1.1"):
        answer = accepted(ground, upgrade(start=start))
        expect("x-evil" not in answer.fields, "a field of the peer's own in the response")
    for line in ("Origin: http://a\rX-Evil: 1", "Sec-WebSocket-Protocol: a\rX-Evil: 1",
                 "Origin: a\x00b", "Sec-WebSocket-Extensions: a\nX-Evil: 1"):
        answer = refused(ground, upgrade(line), {400})
        expect("x-evil" not in answer.fields, "a field of the peer's own in the refusal")


@attack(30, "extensions: an open quote with 3500 escapes, 350 offers, semicolons", serve=(
    "--deflate", "shared"))
def row30_extensions(ground):
    refused(ground, upgrade('Sec-WebSocket-Extensions: a; b="' + "\\a" * 3500), {400})
    for value in (";;;", "a;", "a; b=", "a; b=\"", "a; =c", "a b", "=", "a; b=\"c d\"", "a;;b"):
        refused(ground, upgrade(f"Sec-WebSocket-Extensions: {value}"), {400})
    many = ", ".join(["permessage-deflate"] * 350)
    refused(ground, upgrade(f"Sec-WebSocket-Extensions: {many}"), {400})
    answer = accepted(ground, upgrade(
        "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate, x"))
    expect(answer.fields.get("sec-websocket-extensions", "").count("permessage-deflate") == 1,
           "not one extension accepted")


@attack(31, "offers of permessage-deflate that must be declined", serve=("--deflate", "shared"))
def row31_offers(ground):
    for parameters in ("server_max_window_bits=7", "server_max_window_bits=16",
                       "server_max_window_bits=abc", "server_max_window_bits",
                       "server_max_window_bits=08", "client_max_window_bits=7",
                       "client_max_window_bits=16", "client_max_window_bits=abc", "unknown",
                       "server_no_context_takeover=1", "client_no_context_takeover=x",
                       "server_no_context_takeover; server_no_context_takeover",
                       "client_max_window_bits; client_max_window_bits=10"):
        answer = accepted(ground, upgrade(
            f"Sec-WebSocket-Extensions: permessage-deflate; {parameters}"))
        expect("sec-websocket-extensions" not in answer.fields, f"{parameters} was accepted")
        answer = accepted(ground, upgrade(
            f"Sec-WebSocket-Extensions: permessage-deflate; {parameters}, permessage-deflate"))
        expect(answer.fields.get("sec-websocket-extensions", "").startswith("permessage-deflate"),
               f"the offer behind {parameters} was not accepted")


@attack(32, "100-continue, a plain GET, the end of the stream behind a request")
def row32_plain(ground):
    accepted(ground, upgrade("Expect: 100-continue"))
    refused(ground, request("Host: h"), {426})
    refused(ground, request("Host: h", "Expect: 100-continue"), {426})
    with ground.peer() as peer:
        peer.send(request("Host: h"))
        peer.socket.shutdown(1)
        expect(peer.answer().status == 426, "no answer behind the end of the stream")
        drain(peer)
    with ground.peer() as peer:
        peer.send(upgrade()[:50])
        peer.socket.shutdown(1)
        drain(peer)


@attack(33, "resets at three stages, 300 connections that close, 200 half-open at once")
def row33_come_and_go(ground):
    for _ in range(20):
        for data in (b"", upgrade()[:30], upgrade()):
            peer = ground.peer()
            peer.send(data)
            peer.reset()
    for _ in range(300):
        ground.peer().socket.close()
    with contextlib.ExitStack() as stack:
        for number in range(200):
            peer = stack.enter_context(ground.peer())
            peer.send(upgrade()[:number % 100])
        since = time.monotonic()
        accepted(ground, upgrade())
        ground.note(f"a fresh client took {(time.monotonic() - since) * 1000:.0f} ms")
    eventually(lambda: ground.server.descriptors() <= ground.idle, "descriptors were left", 5)


@attack(34, "mutated handshakes")
def row34_mutated(ground):
    numbers = random.Random(34)
    telling = b"\x00\t\n\r :/?\x7f\x80\xff,;="

    def worker(seed):
        own = random.Random(seed)
        for _ in range(150):
            data = bytearray(opening(extra="Sec-WebSocket-Protocol: a, b\r\nOrigin: http://h\r\n"))
            for _ in range(own.randint(1, 4)):
                at = own.randrange(len(data))
                if own.random() < 0.5:
                    data[at] = own.choice(telling)
                elif own.random() < 0.5:
                    data[at:at + own.randint(1, 9)] = b""
                else:
                    data[at:at] = bytes([own.choice(telling)])
            with ground.peer(timeout=2) as peer, contextlib.suppress(Ended, TimeoutError):
                peer.send(bytes(data) + b"\r\n\r\n")
                peer.fill()

    threads = [threading.Thread(target=worker, args=(numbers.random(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@attack(68, "a thousand messages in one segment, and one in segments of one byte")
def row68_segments(ground):
    with ground.open() as peer:
        peer.send(b"".join(frame(TEXT, b"%d" % number) for number in range(1000)))
        for number in range(1000):
            peer.expect_echo(TEXT, b"%d" % number)
        for byte in frame(TEXT, b"byte by byte"):
            peer.send(bytes([byte]))
        peer.expect_echo(TEXT, b"byte by byte")
