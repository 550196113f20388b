"""draft-hixie-76: the response, and the keys that prove that the server read the request."""

from ..case import SHOULD, Group
from ..hixie import H76, KEY1, KEY2, KEY3, answer
from ..http import accepted, read_head, refused

VECTORS = [
    ("The numbers of draft 76, 5.2, worked out by others",
     "4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", "5e6e3a64735b3455"),
    ("The example of section 1.2", KEY1, KEY2, KEY3.hex()),
    ("The second example", "P388 O503D&ul7 {K%gX( %7  15",
     "1 N ?|k UT0or 3o  4 I97N 5-S3O 31", "4730222d5a3f4758"),
    ("The third example", "3e6b263  4 17 80", "17  9 G`ZD9   2 2b 7X 3 /r90", "576a4e7d7c4d2836"),
    ("Both numbers 4294967295, key3 of zeros", "4294967295 x", "x 4294967295", "00" * 8),
    ("Both numbers 0, key3 of FF", "0 !", "! 0", "ff" * 8),
    ("key3 of line ends, 00 and FF", "1 !2", "x3 6", "0d0a0d0a00ff0d0a"),
    ("Twelve spaces, digits everywhere, key3 like frames",
     "4 2 9 4 9 6 7 2 9 2 a b c", "a      24      b", "8081feff00017f20"),
]

vectors = Group("H76-1", "The answer to the challenge", "h76", "draft-hixie-76 5.2")
for title, key1, key2, key3 in VECTORS:

    def check_vector(trial, keys=(key1, key2, bytes.fromhex(key3))):
        peer = H76.open(trial, H76.request(trial, keys=keys))
        H76.echo(peer, b"hello")

    vectors.add(title, f"The answer is {answer(key1, key2, bytes.fromhex(key3)).hex()}.",
                check_vector)

response = Group("H76-2", "Opening handshake", "h76", "draft-hixie-76 5.2")


def head_of(trial, request=None):
    peer = trial.connect()
    peer.send((request or H76.request(trial)).bytes)
    return accepted(peer)


@response.case("The status line", "`HTTP/1.1 101 WebSocket Protocol Handshake`; clients read only "
               "the number.", severity=SHOULD)
def status_line(trial):
    line = head_of(trial).status_line
    trial.must(line.startswith("HTTP/1.1 101 "), f"the status line is {line!r}")
    usual = "HTTP/1.1 101 WebSocket Protocol Handshake"
    trial.expect(line == usual, f"the status line is {line!r}")


@response.case("Upgrade", "Exactly once, and its value exactly `WebSocket`.",
               section="draft-hixie-76 4.1")
def upgrade(trial):
    trial.equal(head_of(trial).one(trial, "Upgrade"), "WebSocket", "Upgrade")


@response.case("Connection", "Exactly once, and its value `Upgrade` in some case.",
               section="draft-hixie-76 4.1")
def connection(trial):
    trial.equal(head_of(trial).one(trial, "Connection").lower(), "upgrade", "Connection")


@response.case("No bytes behind the answer", "Behind the 16 bytes come frames, and there are none.")
def no_bytes_behind(trial):
    peer = H76.open(trial)
    extra = peer.listen(trial.options.quiet)
    trial.expect(not extra, f"the server sent {extra[:40]!r}")
    trial.expect(not peer.has_ended, "the server ended the connection")


@response.case("Fields in another order", "Accepted: clients send them in random order.",
               section="draft-hixie-76 4.1")
def reordered(trial):
    peer = H76.open(trial, H76.request(trial).reordered([5, 3, 0, 4, 2, 1]))
    H76.echo(peer, b"hello")


@response.case("Sec-WebSocket-Draft: 0", "Accepted: Google's client sends it.",
               section="hybi-00, as deployed")
def draft_zero(trial):
    peer = H76.open(trial, H76.request(trial).add("Sec-WebSocket-Draft", "0"))
    H76.echo(peer, b"hello")


@response.case("Field names in lower case", "Accepted: Netty's client sends them, and "
               "`connection: upgrade`.", section="draft-hixie-76 5.1")
def lower_case(trial):
    request = H76.request(trial).set("Connection", "upgrade")
    fields = tuple((name.lower(), value) for name, value in request.fields)
    peer = H76.open(trial, request.with_(fields=fields))
    H76.echo(peer, b"hello")


@response.case("No Origin", "Refused, or accepted without an invented origin: Autobahn's client "
               "sends none.", section="draft-hixie-76 5.2")
def no_origin(trial):
    peer = trial.connect()
    peer.send(H76.request(trial).drop("Origin").bytes)
    head = read_head(peer)
    if head.status == 101:
        values = head.all("Sec-WebSocket-Origin")
        trial.expect(values in ([], ["null"], [""]), f"Sec-WebSocket-Origin is {values}")


keys = Group("H76-3", "Keys that are refused", "h76", "draft-hixie-76 5.2")

BROKEN = [
    ("Key1 without a space", "414654615", KEY2, {}),
    ("Key2 without a space", KEY1, "414654615", {}),
    ("Key1 is not a multiple of its spaces", "4 @1  46546xW%0l 1 6", KEY2, {}),
    ("Key2 is not a multiple of its spaces", KEY1, "12998 5 Y3 1  .P01", {}),
    ("Key1 above 32 bits", "9 9999999999", KEY2, {"severity": SHOULD}),
    ("Key2 above 32 bits", KEY1, "4294967296 x", {"severity": SHOULD}),
    ("Key1 with 40 digits", "1 " + "0" * 39, KEY2, {"severity": SHOULD}),
    ("Key1 with 3000 digits", "1 " + "2" * 3000, KEY2, {"severity": SHOULD}),
    ("Key1 without a digit", "a b", KEY2, {"severity": SHOULD}),
    ("Key1 is empty", "", KEY2, {}),
    ("Key1 is absent", None, KEY2, {}),
    ("Key2 is absent", KEY1, None, {}),
    ("Both keys are absent, key3 is sent", None, None, {"severity": SHOULD}),
]


def add_broken(title, key1, key2, more):
    def check(trial):
        request = H76.request(trial)
        for name, key in (("Sec-WebSocket-Key1", key1), ("Sec-WebSocket-Key2", key2)):
            request = request.drop(name) if key is None else request.set(name, key)
        if key1 is None and key2 is None:
            # A subprotocol marks the request as one of the Sec- generation.
            request = request.add("Sec-WebSocket-Protocol", "sample")
        peer = trial.connect()
        peer.send(request.bytes)
        refused(peer, statuses=(400,))
        H76.check_alive(trial)

    keys.add(title, "No 101 of any draft, and other connections live on.", check, **more)


for row in BROKEN:
    add_broken(*row)


def add_doubled(name):
    def check(trial):
        request = H76.request(trial)
        peer = trial.connect()
        peer.send(request.add(name, request.value(name)).bytes)
        refused(peer, statuses=(400,))

    keys.add(f"{name} twice", "No 101.", check, severity=SHOULD)


add_doubled("Sec-WebSocket-Key1")
add_doubled("Sec-WebSocket-Key2")
