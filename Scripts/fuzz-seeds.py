#!/usr/bin/env python3
"""Makes the seeds and dictionaries of the fuzzers: Fuzz/Corpus and Fuzz/Dictionaries.

Everything is made by hand here; run it after a change and commit what it writes. Each target takes
its settings from the first bytes of an input, in the order in which its Swift file reads them.

    Scripts/fuzz-seeds.py           write the files
    Scripts/fuzz-seeds.py --check   fail if they are not what it would write
"""
import os
import struct
import sys
import zlib

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Fuzz")
WHOLE = b"\x00"  # no cuts: one read
BYTEWISE = b"\x01\x01"  # one cut length, 1
UNEVEN = b"\x03\x01\x05\x00"

HIXIE76_KEYS = [
    ("4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", bytes.fromhex("5e6e3a64735b3455")),
    ("18x 6]8vM;54 *(5:  {   U1]8  z [  8", "1_ tx7X d  <  nw  334J702) 7]o}` 0", b"Tm[K T2u"),
    ("4294967295 x", "x 4294967295", bytes(8)),
    ("0 !", "! 0", b"\xff" * 8),
    ("1 !2", "x3 6", b"\r\n\r\n\x00\xff\r\n"),
    ("nospaces1", "1 2", b"12345678"),
    ("99999999999999999999 1", "1 1", b"12345678"),
    ("no digits", "1 1", b"12345678"),
    ("10  3   ", "1 1", b"12345678"),
]


def head(lines, start="GET /chat?room=1 HTTP/1.1"):
    return "\r\n".join([start, *lines, "", ""]).encode("latin-1")


def upgrade(*lines, **options):
    return head(["Host: example.com:8080", "Upgrade: websocket", "Connection: keep-alive, Upgrade",
                 *lines], **options)


KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


def requests():
    for version in (13, 8, 7, 6, 99):
        yield upgrade(KEY, f"Sec-WebSocket-Version: {version}")
    yield upgrade(KEY, "Sec-WebSocket-Version: 13", "Origin: http://example.com:8080",
                  "Sec-WebSocket-Protocol: chat, superchat, chat.v2",
                  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x; a=\"b\"")
    yield upgrade(KEY, "Sec-WebSocket-Version: 8", "Sec-WebSocket-Origin: https://example.com")
    yield upgrade(KEY, "Sec-WebSocket-Version: 13", start="GET http://h:1/a?b HTTP/1.1")
    yield upgrade(KEY, "Sec-WebSocket-Version: 13", "Content-Length: 0")
    yield upgrade(KEY, "Sec-WebSocket-Version: 13", "Content-Length: 5")
    yield upgrade(KEY)
    yield upgrade("Sec-WebSocket-Version: 13")
    yield upgrade("Sec-WebSocket-Draft: 2", KEY)
    for key1, key2, key3 in HIXIE76_KEYS:
        yield hixie("Origin: http://example.com", f"Sec-WebSocket-Key1: {key1}",
                    f"Sec-WebSocket-Key2: {key2}") + key3
    yield hixie("Origin: http://example.com", "WebSocket-Protocol: sample")
    yield hixie("Origin: http://example.com")
    yield hixie()
    yield head(["Host: [::1]:80", "Cookie: a=b; c=%20d", "Accept: */*"])
    yield head(["Host: h", "Expect: 100-continue", "Content-Length: 5"], start="POST / HTTP/1.1")
    yield head(["Host: h", "Transfer-Encoding: chunked"], start="PUT /%41/../* HTTP/1.1")
    yield head(["Host: h", "Upgrade: h2c", "Connection: upgrade"])
    yield head([], start="GET / HTTP/1.0")
    yield head(["Host: h", " folded"])
    yield head(["Host: h", "Bad name: x", ":", "a:\tb\t c \t", "e:"])
    yield b"GET / HTTP/1.1\nHost: h\n\n"
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + head(["Host: h"])
    yield b"SSH-2.0-OpenSSH_9.2\r\n"


def hixie(*lines):
    return head(["Upgrade: WebSocket", "Connection: Upgrade", "Host: example.com", *lines],
                start="GET /demo HTTP/1.1")


def responses():
    yield head(["Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Sec-WebSocket-Protocol: chat",
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"],
               start="HTTP/1.1 101 Switching Protocols")
    yield head(["Upgrade: WebSocket", "Connection: Upgrade", "Sec-WebSocket-Origin: http://h",
                "Sec-WebSocket-Location: ws://h/"],
               start="HTTP/1.1 101 WebSocket Protocol Handshake") + bytes(16)
    yield head(["Content-Length: 3"], start="HTTP/1.1 404 Not Found") + b"no\n"
    yield head([], start="HTTP/1.0 200")
    yield head([], start="HTTP/1.1 1000 x")
    yield head([], start="HTTP/2.0 200 x")
    yield b"HTTP/1.1 101 x\r\n:\r\n\r\n"


def frame(first, payload=b"", key=b"\x01\x02\x03\x04", length=None, form=None):
    """One frame; `form` forces the length into 0, 2 or 8 more bytes."""
    length = len(payload) if length is None else length
    if form is None:
        form = 0 if length < 126 else 2 if length < 65536 else 8
    mask = 0x80 if key else 0
    head = bytes([first]) + {0: lambda: bytes([mask | length]),
                             2: lambda: bytes([mask | 126]) + struct.pack(">H", length),
                             8: lambda: bytes([mask | 127]) + struct.pack(">Q", length)}[form]()
    if key:
        payload = bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))
    return head + (key or b"") + payload


TEXT = "κόσμε, žluťoučký kůň ☃ 𝄞".encode()


def frame_streams(key=b"\x37\xfa\x21\x3d"):
    def one(first, payload=b"", **options):
        return frame(first, payload, key=key, **options)

    yield one(0x81, b"Hello") + one(0x82, bytes(range(130)))
    yield one(0x81) + one(0x89) + one(0x8A, b"x" * 125)
    yield one(0x01, TEXT[:5]) + one(0x89, b"ping") + one(0x00, TEXT[5:9]) + one(0x80, TEXT[9:])
    yield one(0x02) + one(0x00) + one(0x00) + one(0x80)
    yield one(0x88, struct.pack(">H", 1000) + b"bye")
    yield one(0x88) + one(0x81, b"late")
    yield one(0x81, b"abc\xed\xa0\x80")
    yield one(0x01, b"\xf4\x90") + one(0x80, b"\x80\x80")
    yield one(0x80, b"x")
    yield one(0x01, b"a") + one(0x81, b"b")
    yield one(0xC1, b"x") + one(0xA1, b"x")
    yield one(0x83) + one(0x8B)
    yield one(0x09, b"x")
    yield one(0x82, b"", length=5, form=2)
    yield one(0x82, b"", length=126, form=8)
    yield one(0x82, b"", length=1 << 63, form=8)
    yield one(0x82, b"", length=(1 << 63) - 1, form=8)
    yield one(0x82, b"", length=1 << 40, form=8)
    yield one(0x82, b"y" * 300) + one(0x82, b"", length=65536, form=8)
    yield frame(0x81, b"unmasked", key=None if key else b"abcd")


def hixie_streams():
    yield b"\x00Hello\xff\x00" + TEXT + b"\xff"
    yield b"\x00\xff\xff\x00\x00after\xff"
    yield b"\x80\x05abcde\x00x\xff"
    yield b"\x80\x81\x00" + b"z" * 128 + b"\x00x\xff"
    yield b"\xff" + b"\x80" * 9
    yield b"\xff\xff\xff\xff\xff\x7f"
    yield b"\x01ballast\xff\x7f\xff\x00t\xff"
    yield b"\x00open"


def deflated(data, bits=-15, final=False):
    worker = zlib.compressobj(9, zlib.DEFLATED, bits)
    out = worker.compress(data)
    if final:
        return out + worker.flush()
    return (out + worker.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflatable():
    yield deflated(b"Hello, hello, hello")
    yield deflated(b"a" * 65536)
    yield deflated(bytes(range(256)))
    yield deflated(b"final", final=True)
    yield b""
    yield b"\x00"
    yield b"\x00\x05\x00\xfa\xff" + b"Hello" + b"\x00"
    yield b"\x00\x00\x00\xff\xff" * 8 + b"\x00"
    yield b"\xf2\x48\xcd\xc9\xc9\x07\x00"
    yield deflated(TEXT * 3)[:-2]
    yield b"\x07"


def bodies():
    yield b"5\r\nhello\r\n0\r\n\r\n"
    yield b"05;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET"
    yield b"ffffffffffffffff\r\n"
    yield b"0\r\n\r\n"
    yield b"5 \r\nhello\r\n0\r\n\r\n"
    yield b"5\nhello\n0\n\n"
    yield b"-5\r\n"
    yield b"3\r\nabcd\r\n"


def topics():
    yield b"a/b/c\na/b/c\n+/b/c\na/+/c\na/#\n#\n+/+\na/b/c/#\n+"
    yield b"/\n/\n+/+\n/+\n+/\n#"
    yield "é/ü\n+/ü\né/#\ne\u0301/ü".encode()
    yield b"a//b\na/+/b\na/#"


def urls():
    for text in ("ws://example.com/chat?x=1", "wss://[::1]:9001", "WS://Host:80/%41", "ws://h:0/",
                 "ws://u@h/", "ws://h/#f", "ws://h?q", "ws://h:99999/"):
        yield b"\x00" + text.encode()
    for text in ("example.com:8080", "[::1]:80", "http://example.com", "https://h:443", "null", "h:",
                 "[::", "http://h/"):
        yield b"\x01" + text.encode()
    for text in ("%41%zz%", "%C3%A9+a", "100%"):
        yield b"\x02" + text.encode()
    for text in ("a=1&b=2&a=3", "a&=&b==", "%61=%62+c"):
        yield b"\x03" + text.encode()
    for text in ("plain", "a b;c\"d\\,%é", "\x00\r\n"):
        yield b"\x04" + text.encode()


def extensions():
    for text in ("permessage-deflate", "permessage-deflate; client_max_window_bits",
                 "permessage-deflate; server_max_window_bits=10; client_no_context_takeover, "
                 "permessage-deflate", "a;b=\"c\\d\";e , , f", ";;;", "a=", "x;y=\"\\a",
                 "permessage-deflate; server_max_window_bits=7",
                 "permessage-deflate; server_max_window_bits=16; x",
                 "permessage-deflate; server_no_context_takeover; server_no_context_takeover"):
        yield text.encode()


def proxy_headers():
    """Each behind its form: any bytes, what follows `PROXY `, or command, family and body."""
    for text in ("TCP4 192.0.2.7 198.51.100.1 12345 443", "TCP6 2001:db8::7 ::1 0 65535", "UNKNOWN",
                 "UNKNOWN a  b", "TCP6 ::ffff:192.0.2.7 1:2:3:4:5:6:7:8 1 2", "TCP4 1.2.3.4 1.2.3.4 01 2",
                 "TCP4 1.2.3.04 1.2.3.4 1 2", "TCP6 1::2::3 :: 1 2", "TCP6 :::1 ::1 1 2", "UNKNOWN \n",
                 "TCP6 " + " ".join(["1111:2222:3333:4444:5555:6666:7777:8888"] * 2) + " 65535 65535"):
        yield 1, text.encode() + b"\r\nGET / HTTP/1.1\r\n"
    yield 1, b"UNKNOWN " + b"x" * 91 + b"\r\n"
    yield 1, b"UNKNOWN " + b"x" * 92 + b"\r\n"
    yield 0, b"GET / HTTP/1.1\r\n"
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    for tail in (b"", b"\x21", b"\x31", b"\x21\x11\xff\xff", b"\x20\x00\x00\x00GET"):
        yield 0, signature + tail
    tcp4, tcp6, path = bytes(range(12)), bytes(range(36)), b"/run/a".ljust(108, b"\0") * 2
    for form in (2, 3):
        for command, family, body in (
                (0x21, 0x11, tcp4), (0x21, 0x21, tcp6), (0x21, 0x31, path), (0x20, 0, b""),
                (0x20, 0x11, b"short"), (0x21, 0, b"\1\2"), (0x21, 0x12, tcp4), (0x22, 0x11, tcp4),
                (0x21, 0x11, tcp4 + b"\1\0\2h1"), (0x21, 0x11, tcp4 + b"\1\0\3h1"),
                (0x21, 0x11, tcp4 + b"\3\0\4abcd"), (0x21, 0x11, tcp4[:-1])):
            yield form, bytes([command, family]) + body


def connections():
    """Flags, limits, protocols and the number of the opening, each with cuts and what follows."""
    commands = (b"echo", TEXT, b"publish", b"close" + b"\x03\xe8", b"x", b"g", b"big", b"z", b"\xff")
    key = b"\x37\xfa\x21\x3d"
    talk = b"".join(frame(0x81, text, key) for text in (b"a", b"p1", b"z", b"p2", b"g", b"b"))
    streams = list(frame_streams())
    for opening in (1, 2, 3, 4):
        for flags in (0, 4, 5, 6, 12):
            yield bytes([flags, 0, 0x1F, opening]), talk + frame(0x88, b"\x03\xe8", key)
        for word in commands:
            yield bytes([4, 0, 0x1F, opening]), frame(0x82, word, key) + frame(0x81, b"after", key)
    for number, stream in enumerate(streams):
        yield bytes([number % 8, number & 0x7F, 0x1F, 1 + number % 4]), stream
    for data in inflatable():
        for flags in (1, 2, 3):
            yield bytes([flags, 0, 0x1F, 2]), frame(0xC1, data, key) + frame(0x81, b"x", key)
    for opening in (5, 6):
        for stream in hixie_streams():
            yield bytes([4, 0, 0x1F, opening]), stream
        yield bytes([4, 0, 0x1F, opening]), b"\0p1\xff\0z\xff\0p2\xff\0c\xff\xff\0"
    for number, data in enumerate(requests()):
        yield bytes([number & 3, 0, 0x1F, 0]), data
    get = head(["Host: h"], start="GET /plain HTTP/1.1")
    body = head(["Host: h", "Content-Length: 5"], start="POST /body HTTP/1.1") + b"hello"
    chunked = head(["Host: h", "Transfer-Encoding: chunked", "Expect: 100-continue"],
                   start="POST /body HTTP/1.1") + b"5\r\nhello\r\n0\r\n\r\n"
    missing = head(["Host: h"], start="HEAD /plain HTTP/1.1")
    yield bytes([0, 0, 0x1F, 0]), get + body + chunked + missing + get + b"GET"
    yield bytes([0, 32, 0x1F, 0]), body + chunked
    yield bytes([16, 0, 0x1F, 0]), b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n" + get
    yield bytes([16, 0, 0x1F, 0]), b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(range(12)) + get
    yield bytes([16, 0, 0x1F, 1]), talk


def corpora():
    """Target by target, its seeds."""
    heads = list(requests())
    yield "request-head", [b"\x00" + UNEVEN + data for data in heads] + [
        b"\x01\x00\x60\x30\x30\x03" + BYTEWISE + heads[0]] + [
        b"\x00" + BYTEWISE + lines + heads[0] for lines in (b"\r\n", b"\r\n\r\n", b"\r\r\n")]
    yield "response-head", [b"\x00" + UNEVEN + data for data in responses()] + [
        b"\x01\x00\x60\x30\x30\x03" + BYTEWISE + data for data in responses()]
    yield "handshake", [bytes([0x1F, number & 1, number & 3]) + data
                        for number, data in enumerate(heads)]
    yield "frames", [bytes([0, 8]) + data for data in frame_streams()] + [
        bytes([3, 3]) + data for data in frame_streams(key=None)]
    yield "hixie-frames", [bytes([old, limit]) + UNEVEN + data for data in hixie_streams()
                           for old, limit in ((0, 5), (1, 7))]
    yield "messages", [bytes([0, 5, 7]) + BYTEWISE + data for data in frame_streams()] + [
        bytes([1, 4, 1]) + UNEVEN + data for data in frame_streams(key=None)]
    texts = [TEXT, TEXT * 4, b"ascii " * 12 + TEXT, b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
             b"\xe2\x98", b"\x80", b"\xef\xbf\xbf", b"\xf0\x9f\x98\x80" * 20, b""]
    yield "utf8", [b"\x00" + BYTEWISE + text for text in texts]
    yield "masking", [b"\x01\x02\x03\x04" + bytes([offset, 3]) + UNEVEN + bytes(range(count))
                      for offset, count in ((0, 64), (1, 65), (7, 200), (0, 7))]
    yield "extensions", [b"\x03\x00\x03\x02\x05\x01" + text for text in extensions()]
    yield "inflate", [bytes([takeover, 7, limit]) + UNEVEN + b"\x00" + data
                      for data in inflatable() for takeover, limit in ((0, 3), (1, 6))] + [
        bytes([1, 7, 6]) + WHOLE + b"\x01" + bytes([len(data)]) + data + data
        for data in inflatable() if len(data) < 256]
    yield "deflate", [bytes([takeover, 6, 8, 1]) + UNEVEN + b"".join(
        bytes([control, len(text)]) + text for text in (TEXT, b"abc" * 20, b"", TEXT))
        for takeover in (0, 1) for control in (0, 2, 4)]
    yield "body", [bytes([limit, 0, 5]) + cuts + data for data in bodies()
                   for limit, cuts in ((2, WHOLE), (5, BYTEWISE))]
    yield "topics", list(topics())
    yield "proxy-header", [bytes([form]) + cuts + data for form, data in proxy_headers()
                           for cuts in (WHOLE, BYTEWISE)]
    yield "connection", [
        # The slow peer's window is a byte more.
        settings[:3] + (b"\x07" if settings[0] & 8 else b"") + settings[3:] + UNEVEN + data
        for settings, data in connections()]
    yield "url", list(urls())


HTTP_WORDS = [
    "GET ", "POST ", "HEAD ", "CONNECT ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "\r\n", "\r\n\r\n", "\n",
    "Host: ", "Upgrade: websocket\r\n", "Upgrade: WebSocket\r\n", "Connection: Upgrade\r\n",
    "Connection: close\r\n", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 7\r\n",
    "Sec-WebSocket-Key1: 1 2\r\n", "Sec-WebSocket-Key2: 3 4\r\n", "Sec-WebSocket-Origin: ",
    "Sec-WebSocket-Protocol: ", "WebSocket-Protocol: ", "Sec-WebSocket-Extensions: ",
    "Sec-WebSocket-Draft: ", "Sec-WebSocket-Accept: ", "Origin: ", "Content-Length: ",
    "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n", "Cookie: a=b\r\n", "http://", "ws://",
    "HTTP/1.1 101 ", "permessage-deflate", "client_max_window_bits", "server_max_window_bits=",
    "client_no_context_takeover", "server_no_context_takeover", "null", "[::1]", ": ", "; ", ", ", "\t",
]
DICTIONARIES = {
    "http": [word.encode() for word in HTTP_WORDS] + [b"\x80", b"\xff", b"\x00", b"\x7f"],
    "frames": [b"\x81\xfe", b"\x82\xff", b"\x81\x80\x00\x00\x00\x00", b"\x80\x80", b"\x00\x80",
               b"\x01\x81", b"\x88\x82", b"\x89\x80", b"\x8a\x80", b"\x00\x00\xff\xff", b"\xff\x00",
               b"\x7f\xff\xff\xff\xff\xff\xff\xff", b"\x00\x00\x00\x00\x00\x01\x00\x00", b"\x00\x7e",
               b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xe2\x98\x83", b"\xf0\x9d\x84\x9e",
               b"\x03\xe8", b"\x80\x80\x80\x80\x80"],
    "topics": [b"/", b"+", b"#", b"\n", b"/+", b"/#", b"//", b"+/", b"a"],
}

DICTIONARIES["http"] += [b"PROXY TCP4 ", b"TCP6 ", b"UNKNOWN", b"192.0.2.7", b"::ffff:", b"2001:db8::7"]
DICTIONARIES["connection"] = DICTIONARIES["http"] + DICTIONARIES["frames"] + [
    b"\x81\x81\0\0\0\0" + word for word in (b"p", b"c", b"x", b"g", b"b", b"z")]


def dictionary(words):
    lines = []
    for word in words:
        escaped = "".join(chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\'
                          else f"\\x{byte:02x}" for byte in word)
        lines.append(f'"{escaped}"\n')
    return "".join(lines).encode()


def files():
    for target, seeds in corpora():
        for number, seed in enumerate(sorted(set(seeds))):
            yield f"Corpus/{target}/{number:03}", seed
    for name, words in DICTIONARIES.items():
        yield f"Dictionaries/{name}.dict", dictionary(words)


def main():
    wanted = dict(files())
    there = {}
    for folder in ("Corpus", "Dictionaries"):
        for path, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in names:
                full = os.path.join(path, name)
                with open(full, "rb") as file:
                    there[os.path.relpath(full, ROOT)] = file.read()
    if sys.argv[1:] == ["--check"]:
        if wanted != there:
            sys.exit("Fuzz/Corpus or Fuzz/Dictionaries is not what Scripts/fuzz-seeds.py makes")
        return
    for name in there.keys() - wanted.keys():
        os.remove(os.path.join(ROOT, name))
    for name, data in wanted.items():
        path = os.path.join(ROOT, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    print(f"{len(wanted)} files")


if __name__ == "__main__":
    main()
