"""What draft-hixie-75 and -76 share: origin, location, subprotocol, and the gate before them."""

from ..case import SHOULD, Group
from ..hixie import H75, H76, text_frame
from ..http import accepted, refused


def exchange(trial, draft, request):
    """Sends the request; the head of the 101 that must come."""
    peer = trial.connect()
    peer.send(request.bytes)
    return accepted(peer)


def add_origin_and_location(draft, number):
    section = f"{draft.name} {'3.1' if draft is H75 else '5.2'}"
    group = Group(number, "Origin and location", draft.generation, section)

    def add_location(title, expectation, make, path=None, host=None, **more):
        """`make` changes the request; `path` and `host` are what the location must hold."""

        def check(trial):
            target = trial.options.target
            expected = target.location(path and path(target), host)
            head = exchange(trial, draft, make(trial))
            actual = head.one(trial, draft.location_field)
            trial.expect_equal(actual, expected, draft.location_field)

        group.add(title, expectation, check, **more)

    @group.case("The origin is repeated", f"{draft.origin_field} is the request's Origin.")
    def origin(trial):
        head = exchange(trial, draft, draft.request(trial))
        trial.equal(head.one(trial, draft.origin_field), draft.origin(trial), draft.origin_field)

    add_location("The location", "Scheme, host, port unless it is the scheme's own, and path.",
                 lambda t: draft.request(t))

    def add_query(query, **more):
        add_location(f"With the query {query}", "The query belongs to the location, as sent.",
                     lambda t: draft.request(t, query=query), lambda target: target.path + query,
                     **more)

    add_query("?", severity=SHOULD)
    for query in ("?a=b", "?a=%20%C3%A9&b=1;c", "?/??::@!$'()*,"):
        add_query(query)

    def add_host(title, sent, told, expectation, **more):
        add_location(title, expectation, lambda t: draft.request(t, host_field=sent), host=told,
                     **more)

    add_host("Host without a port", "example.com", "example.com", "No port in the location.")
    add_host("Host with another port", "example.com:8123", "example.com:8123",
             "The port of Host, whatever port the server listens on.")
    add_host("Host in mixed case", "Example.COM", "example.com", "The host in lower case.",
             severity=SHOULD)
    add_host("Host is an IPv6 address", "[::1]:8123", "[::1]:8123", "With its brackets.")

    @group.case("Host with the scheme's own port", "The location leaves it out.", severity=SHOULD)
    def own_port(trial):
        target = trial.options.target
        port = 443 if target.is_secure else 80
        head = exchange(trial, draft, draft.request(trial, host_field=f"example.com:{port}"))
        expected = target.location(host_field="example.com")
        actual = head.one(trial, draft.location_field)
        trial.expect_equal(actual, expected, draft.location_field)

    add_location("A path with escapes", "The path as it was sent, not decoded.",
                 lambda t: draft.request(t, path="/a%20b/%C3%A9"), lambda target: "/a%20b/%C3%A9",
                 needs=["any-path"])
    add_location("An absolute-form target", "The location is that of its path.",
                 lambda t: draft.request(t).with_(
                     target=f"http://{t.options.target.host_field}{t.options.target.path}?q"),
                 lambda target: target.path + "?q", severity=SHOULD, section="RFC 9112 3.2.2")

    if draft is H76:
        group.add("Names of draft 75", "The response holds no WebSocket-Origin.",
                  lambda t: t.expect(
                      not exchange(t, draft, draft.request(t)).all("WebSocket-Origin"),
                      "WebSocket-Origin in a hixie-76 response"))

    @group.case("A forbidden origin", "403, or no answer.", needs=["refused-origin"],
                section=f"{draft.name}, security considerations")
    def forbidden(trial):
        peer = trial.connect()
        peer.send(draft.request(trial).set("Origin", trial.options.refused_origin).bytes)
        refused(peer, statuses=(403,))


def add_subprotocols(draft, number):
    group = Group(number, "Subprotocol", draft.generation, f"{draft.name} 4.1")
    name = draft.protocol_field

    @group.case("None asked for", f"The response holds no {name}.")
    def none(trial):
        head = exchange(trial, draft, draft.request(trial))
        trial.expect(not head.all(name), f"{name}: {', '.join(head.all(name))}")

    def add_asked(title, value):
        def check(trial):
            head = exchange(trial, draft, draft.request(trial).add(name, value))
            answers = head.all(name)
            trial.expect(answers in ([], [value]), f"{name} is {answers}")

        group.add(title, "Absent, if the server declines, or exactly what was asked for.", check)

    add_asked("A name", "sample")
    add_asked("One name that holds a blank", "two words")
    add_asked("One name that looks like a list", "a, b")
    add_asked("Every character that is allowed", "!" + "".join(map(chr, range(0x21, 0x7F))))

    other = (H76 if draft is H75 else H75).protocol_field
    if draft is H76:
        @group.case("The field of draft 75", "Means nothing to this draft.", severity=SHOULD)
        def other_field(trial):
            head = exchange(trial, draft, draft.request(trial).add(other, "sample"))
            trial.expect(not head.all(name) and not head.all(other), "it was answered")


def add_gate(draft, number):
    group = Group(number, "The HTTP gate", draft.generation, "RFC 9110 7.8, RFC 9112 3")

    def add(title, change, statuses=(400, 426), expectation="No 101.",
            may_stay=False, **more):
        def check(trial):
            peer = trial.connect()
            peer.send(change(draft.request(trial)).bytes)
            refused(peer, statuses=statuses, may_stay=may_stay)

        group.add(title, expectation, check, **more)

    add("Method POST", lambda r: r.with_(method="POST"), (405, 400, 404))
    add("Method HEAD", lambda r: r.with_(method="HEAD"), (405, 400, 404))
    add("HTTP/1.0", lambda r: r.with_(version="HTTP/1.0"), (505, 400, 426), severity=SHOULD)
    add("No Host", lambda r: r.drop("Host"), (400,), severity=SHOULD)
    add("Host twice", lambda r: r.add("Host", "example.com"), (400,), severity=SHOULD)
    add("No Connection", lambda r: r.drop("Connection"),
        expectation="No 101: a request that a proxy took for plain HTTP must not become a tunnel.")
    add("Connection: close", lambda r: r.set("Connection", "close"))
    add("Connection: not-upgrade", lambda r: r.set("Connection", "not-upgrade"))
    add("No Upgrade", lambda r: r.drop("Upgrade"), (400, 426, 404, 200), may_stay=True)
    add("Upgrade: WebSocketX", lambda r: r.set("Upgrade", "WebSocketX"), (400, 426, 404, 200),
        may_stay=True)
    add("Target *", lambda r: r.with_(target="*"), (400, 404), severity=SHOULD)
    add("A field without a colon", lambda r: r.with_(
        fields=r.fields + (("Broken field\r\nX", "1"),)), (400,), severity=SHOULD)

    @group.case("Connection: keep-alive, Upgrade", "Accepted: a list that holds Upgrade.",
                severity=SHOULD, section="RFC 9110 7.6.1")
    def connection_list(trial):
        peer = draft.open(trial, draft.request(trial).set("Connection", "keep-alive, Upgrade"))
        draft.echo(peer, b"hello")

    @group.case("A request behind a refused one", "Is not answered: the connection ends.",
                section="RFC 9112 9.6", severity=SHOULD)
    def second_request(trial):
        request = draft.request(trial)
        peer = trial.connect()
        peer.send(request.drop("Connection").head + request.bytes)
        data, ended = peer.until_end(1.5)
        trial.must(b" 101 " not in data, "one of the requests became a WebSocket")
        trial.expect(data.count(b"HTTP/1.") <= 1, "the second request was answered")
        trial.expect(ended, "the connection stays open behind the refusal")

    @group.case("Cookies and other fields", "Accepted.")
    def cookies(trial):
        request = draft.request(trial).add("Cookie", "a=b; c=\"d\"").add("X-Other", "1, 2")
        peer = draft.open(trial, request)
        draft.echo(peer, b"hello")

    @group.case("Two frames glued to the request", "Both are echoed, in order.")
    def glued(trial):
        peer = draft.open(trial, first=text_frame(b"one") + text_frame(b"two"))
        draft.expect_text(peer, b"one")
        draft.expect_text(peer, b"two")

    @group.case("The head split behind every line", "Accepted.")
    def split_lines(trial):
        request = draft.request(trial)
        peer = trial.connect()
        lines = request.head.splitlines(keepends=True)
        peer.send(*lines[:-1], lines[-1] + request.tail, pause=0.01)
        draft.check_response(peer, request)
        draft.echo(peer, b"hello")

    @group.case("The head byte by byte", "Accepted.")
    def bytewise(trial):
        request = draft.request(trial)
        peer = trial.connect()
        peer.send_bytewise(request.bytes)
        draft.check_response(peer, request)
        draft.echo(peer, b"hello")


add_origin_and_location(H75, "H75-2")
add_subprotocols(H75, "H75-3")
add_gate(H75, "H75-5")
add_origin_and_location(H76, "H76-5")
add_subprotocols(H76, "H76-6")
add_gate(H76, "H76-7")
