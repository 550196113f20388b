"""hybi-07 and hybi-08 to -12: the opening handshake."""

from ..case import SHOULD, Group
from ..http import accepted, refused
from ..hybi import TEXT, V7, V8, accept_value, frame

KEYS = [
    "dGhlIHNhbXBsZSBub25jZQ==",
    "x3JJHMbDL1EzLkh9GBhXDw==",
    "AAAAAAAAAAAAAAAAAAAAAA==",
    "/////////////////////w==",
]


def add_handshakes(draft):
    group = Group(f"{draft.prefix}-1", "Opening handshake", draft.generation, f"{draft.name} 5.2.2")

    for key in KEYS:
        group.add(f"Key {key}", f"Sec-WebSocket-Accept: {accept_value(key)}",
                  lambda t, k=key: draft.open(t, draft.request(t, key=k)))

    def head_of(trial, change=lambda request: request):
        peer = trial.connect()
        peer.send(change(draft.request(trial)).bytes)
        return accepted(peer)

    @group.case("The status line", "`HTTP/1.1 101 Switching Protocols`.", severity=SHOULD)
    def status_line(trial):
        line = head_of(trial).status_line
        trial.expect(line == "HTTP/1.1 101 Switching Protocols", f"the status line is {line!r}")

    @group.case("Upgrade and Connection", "`websocket` and `Upgrade`, each once.")
    def upgrade(trial):
        head = head_of(trial)
        trial.equal(head.one(trial, "Upgrade").lower(), "websocket", "Upgrade")
        trial.equal(head.one(trial, "Connection").lower(), "upgrade", "Connection")

    @group.case("No version in the response", "Sec-WebSocket-Version is for refusals.",
                severity=SHOULD)
    def no_version(trial):
        trial.expect(not head_of(trial).all("Sec-WebSocket-Version"), "it stands in a 101")

    @group.case("No subprotocol asked for", "The response holds no Sec-WebSocket-Protocol.")
    def no_subprotocol(trial):
        trial.expect(not head_of(trial).all("Sec-WebSocket-Protocol"), "it holds one")

    @group.case("Subprotocols chat, superchat", "None or one of them in the response.")
    def subprotocols(trial):
        head = head_of(trial, lambda r: r.add("Sec-WebSocket-Protocol", "chat, superchat"))
        answers = head.all("Sec-WebSocket-Protocol")
        trial.expect(answers in ([], ["chat"], ["superchat"]), f"the response holds {answers}")

    for extension in ("deflate-stream", "x-webkit-deflate-frame", "x-unknown; a=1"):

        def check_extension(trial, extension=extension):
            head = head_of(trial, lambda r: r.add("Sec-WebSocket-Extensions", extension))
            answers = head.all("Sec-WebSocket-Extensions")
            trial.expect(not answers, f"the server accepted {answers}")

        group.add(f"Extension {extension}", "Not accepted: it vanished, or nobody knows it.",
                  check_extension, severity=SHOULD)

    def add_accepted(title, change, expectation="Accepted.", **more):
        def check(trial):
            peer = draft.open(trial, change(draft.request(trial)))
            draft.echo(peer, b"hello")

        group.add(title, expectation, check, **more)

    add_accepted("Upgrade: WebSocket", lambda r: r.set("Upgrade", "WebSocket"),
                 "Accepted: case does not matter, and Perl's client writes it so.")
    add_accepted("Connection: keep-alive, Upgrade",
                 lambda r: r.set("Connection", "keep-alive, Upgrade"), "Accepted: Firefox.")
    add_accepted("Field names in lower case", lambda r: r.with_(
        fields=tuple((name.lower(), value) for name, value in r.fields)))
    add_accepted("A query", lambda r: r.with_(target=r.target + "?a=b"))
    add_accepted("No origin of either name", lambda r: r.drop(draft.origin_field),
                 "Accepted: clients that are not browsers have none.", severity=SHOULD)

    @group.case("The head byte by byte", "Accepted.")
    def bytewise(trial):
        request = draft.request(trial)
        peer = trial.connect()
        peer.send_bytewise(request.bytes)
        draft.check_response(peer, request)
        draft.echo(peer, b"hello")

    @group.case("Two frames glued to the request", "Both are echoed.")
    def glued(trial):
        peer = draft.open(trial, first=frame(TEXT, b"one") + frame(TEXT, b"two"))
        draft.expect_text(peer, b"one")
        draft.expect_text(peer, b"two")

    @group.case("No bytes behind the response", "An echo server has nothing to say yet.")
    def no_bytes_behind(trial):
        peer = draft.open(trial)
        extra = peer.listen(trial.options.quiet)
        trial.expect(not extra, f"the server sent {extra[:40]!r}")
        trial.expect(not peer.has_ended, "the server ended the connection")


def add_refusals(draft):
    group = Group(f"{draft.prefix}-2", "Refused handshakes", draft.generation,
                  f"{draft.name} 5.2.1")

    def add(title, change, statuses=(400,), expectation="No 101.", may_stay=False, **more):
        def check(trial):
            peer = trial.connect()
            peer.send(change(draft.request(trial)).bytes)
            refused(peer, statuses=statuses, may_close=False, may_stay=may_stay)

        group.add(title, expectation, check, **more)

    key = "Sec-WebSocket-Key"
    add("No key", lambda r: r.drop(key))
    add("An empty key", lambda r: r.set(key, ""))
    add("A key of 3 bytes", lambda r: r.set(key, "AAAA"), severity=SHOULD,
        expectation="No 101: the key must be base64 of 16 bytes.")
    add("A key of 15 bytes", lambda r: r.set(key, "AAAAAAAAAAAAAAAAAAAA"), severity=SHOULD)
    add("A key of 17 bytes", lambda r: r.set(key, "AAAAAAAAAAAAAAAAAAAAAAA="), severity=SHOULD)
    add("A key that is not base64", lambda r: r.set(key, "!!!!!!!!!!!!!!!!!!!!!!=="),
        severity=SHOULD)
    add("The key twice", lambda r: r.add(key, r.value(key)), severity=SHOULD)
    add("Method POST", lambda r: r.with_(method="POST"), (405, 400, 404))
    add("HTTP/1.0", lambda r: r.with_(version="HTTP/1.0"), (505, 400, 426))
    add("No Host", lambda r: r.drop("Host"), severity=SHOULD)
    add("No Connection", lambda r: r.drop("Connection"), (400, 426), section="CVE-2026-59898",
        expectation="No 101: a request that a proxy took for plain HTTP must not become a tunnel.")
    add("Connection: close", lambda r: r.set("Connection", "close"), (400, 426),
        section="CVE-2026-59898")
    add("No Upgrade", lambda r: r.drop("Upgrade"), (400, 426, 404, 200), section="CVE-2026-59898",
        may_stay=True)
    add("Upgrade: h2c", lambda r: r.set("Upgrade", "h2c"), (400, 426, 404, 200),
        section="CVE-2026-59898", may_stay=True)
    add("Content-Length: 5", lambda r: r.add("Content-Length", "5").with_(tail=b"hello"),
        section="RFC 9112 6.3", severity=SHOULD)
    add("Transfer-Encoding: chunked", lambda r: r.add("Transfer-Encoding", "chunked"),
        section="RFC 9112 6.1", severity=SHOULD)

    @group.case("A forbidden page, in the draft's field", "403.", needs=["refused-origin"])
    def forbidden(trial):
        refuse_origin(trial, ["Sec-WebSocket-Origin"])

    @group.case("A forbidden page, in Origin", "403: hybi-11 renamed the field.",
                needs=["refused-origin"], section="hybi-11 5.1")
    def forbidden_renamed(trial):
        refuse_origin(trial, ["Origin"])

    @group.case("A forbidden page in one field, a welcome one in the other", "403.",
                needs=["refused-origin"])
    def forbidden_either(trial):
        for names in (["Origin"], ["Sec-WebSocket-Origin"]):
            refuse_origin(trial, names, keep=True)

    def refuse_origin(trial, names, keep=False):
        request = draft.request(trial)
        if keep:
            welcome = request.value(draft.origin_field)
            request = request.set("Origin", welcome).set("Sec-WebSocket-Origin", welcome)
        else:
            request = request.drop(draft.origin_field)
        for name in names:
            request = request.set(name, trial.options.refused_origin)
        peer = trial.connect()
        peer.send(request.bytes)
        refused(peer, statuses=(403,), may_close=False)


def add_origins(draft):
    group = Group(f"{draft.prefix}-3", "Names of the origin", draft.generation,
                  f"{draft.name} 5.1; hybi-11 5.1")

    def add(title, make, **more):
        def check(trial):
            welcome = draft.origin(trial)
            request = draft.request(trial).drop(draft.origin_field)
            for name, value in make(welcome):
                request = request.add(name, value)
            draft.echo(draft.open(trial, request), b"hello")

        group.add(title, "Accepted.", check, **more)

    add("Sec-WebSocket-Origin", lambda o: [("Sec-WebSocket-Origin", o)])
    add("Origin", lambda o: [("Origin", o)])
    add("Both, with one value", lambda o: [("Sec-WebSocket-Origin", o), ("Origin", o)])

    @group.case("Both, with two values",
                "403: whichever were checked, the other might be believed.", severity=SHOULD)
    def contradiction(trial):
        request = draft.request(trial)
        request = request.drop(draft.origin_field).add("Sec-WebSocket-Origin", draft.origin(trial))
        peer = trial.connect()
        peer.send(request.add("Origin", "http://other.example").bytes)
        refused(peer, statuses=(403, 400))


for hybi in (V7, V8):
    add_handshakes(hybi)
    add_refusals(hybi)
    add_origins(hybi)
