"""Telling the generations apart: requests that mix them up, and versions that nobody speaks.

Whoever removes or spoils a field of a request must get a refusal, not a weaker protocol.
"""

from ..case import MUST, SHOULD, Group
from ..hixie import H75, H76, KEY1, KEY2, KEY3
from ..http import accepted, refused
from ..hybi import KEY, V7, V8, V13, accept_value

VERSION = "Sec-WebSocket-Version"
SECTION = "RFC 6455 4.4; hybi-11 4.4"


def add_refused(group, title, make, statuses, expectation="No 101.", versions=False, **more):
    def check(trial):
        peer = trial.connect()
        peer.send(make(trial).bytes)
        head = refused(peer, statuses=statuses, versions=versions)
        trial.should(head is not None, "the connection was closed without a status")

    group.add(title, expectation, check, **more)


malformed = Group("GEN-1", "A version that is not one number", None, SECTION, severity=SHOULD)
for value in ("13, 8", "8, 13", "13x", "x13", "", "08", "+8", "8.0", "0x8", "13 8"):
    add_refused(malformed, f"`{value}`", lambda t, v=value: V13.request(t).set(VERSION, v),
                (400, 426), "No 101; 400 with the list of versions.", versions=True)
add_refused(malformed, "13 and 8 on two lines", lambda t: V13.request(t).add(VERSION, "8"),
            (400, 426), "No 101; 400 with the list of versions.", versions=True)

unknown = Group("GEN-2", "A version that is not spoken", None, SECTION)
for number in (0, 1, 2, 3, 4, 5, 6):
    # hybi-00 to -06, which frame differently, and which a few servers do speak.
    add_refused(unknown, str(number), lambda t, n=number: V13.request(t).set(VERSION, str(n)),
                (426, 400), "No 101, unless the server speaks that draft; 426 with the list of "
                "versions.", versions=True, severity=SHOULD)
for number in (9, 10, 11, 12, 14, 99, 255, 256 + 8, 65536 + 8, 2**32 + 13, -1, 10**30):
    # 9 to 12 were never versions: those drafts say 8.
    add_refused(unknown, str(number), lambda t, n=number: V13.request(t).set(VERSION, str(n)),
                (426, 400), "No 101; 426 with the list of versions.", versions=True)
add_refused(unknown, "0, with the keys of hixie-76",
            lambda t: H76.request(t).add(VERSION, "0"), (426, 400),
            "No 101 of any draft.", versions=True, severity=SHOULD)

mixed = Group("GEN-3", "Fields of two generations", None, SECTION, severity=SHOULD)


def add_newer(draft, title, add):
    def check(trial):
        peer = trial.connect()
        peer.send(add(draft.request(trial)).bytes)
        head = accepted(peer)
        trial.equal(head.one(trial, "Sec-WebSocket-Accept"), accept_value(KEY),
                    "Sec-WebSocket-Accept")
        trial.must(not head.all("Sec-WebSocket-Location"), "the answer mixes generations, too")
        draft.echo(peer, b"hello")

    mixed.add(f"Version {draft.version} and {title}",
              f"Answered as version {draft.version}.", check, generation=draft.generation)


for hybi in (V7, V8, V13):
    add_newer(hybi, "the keys of hixie-76",
              lambda r: r.add("Sec-WebSocket-Key1", KEY1).add("Sec-WebSocket-Key2", KEY2))
    add_newer(hybi, "Sec-WebSocket-Draft: 2", lambda r: r.add("Sec-WebSocket-Draft", "2"))

for hybi in (V7, V8, V13):
    add_refused(mixed, f"Version {hybi.version} with the keys of hixie-76 alone",
                lambda t, v=hybi.version: H76.request(t).add(VERSION, str(v)), (400,),
                "No 101: not even that of hixie-76.")
for number in (1, 2, 3):
    add_refused(mixed, f"hixie-76 with Sec-WebSocket-Draft: {number}",
                lambda t, n=number: H76.request(t).add("Sec-WebSocket-Draft", str(n)), (426, 400),
                "No 101: hybi-01 to -03 frame differently.", versions=True)
add_refused(mixed, "hixie-76 with a modern key",
            lambda t: H76.request(t).add("Sec-WebSocket-Key", KEY), (400,),
            "No 101: nobody knows what was meant.", versions=True)

stripped = Group("GEN-4", "A request that lost fields", None, SECTION)
add_refused(stripped, "Version 13 without its version", lambda t: V13.request(t).drop(VERSION),
            (400, 426), "No 101.", versions=True)
add_refused(stripped, "Version 8 without its version", lambda t: V8.request(t).drop(VERSION),
            (400, 426), "No 101.", versions=True)
add_refused(stripped, "Version 13 without its key",
            lambda t: V13.request(t).drop("Sec-WebSocket-Key"), (400,))
add_refused(stripped, "Version 13 without both",
            lambda t: V13.request(t).drop("Sec-WebSocket-Key", VERSION), (400, 426),
            "No 101: not even that of hixie-75.", severity=SHOULD)
add_refused(stripped, "The same with Upgrade: WebSocket and a subprotocol",
            lambda t: V13.request(t).drop("Sec-WebSocket-Key", VERSION).set("Upgrade", "WebSocket")
            .add("Sec-WebSocket-Protocol", "chat"), (400, 426),
            "No 101: a Sec-WebSocket- field is no part of hixie-75.", severity=SHOULD)
for name in ("Sec-WebSocket-Origin", "Sec-WebSocket-Extensions", "Sec-WebSocket-Draft",
             "Sec-WebSocket-Unheard-Of"):
    add_refused(stripped, f"hixie-75 with {name}",
                lambda t, n=name: H75.request(t).add(n, "x"), (400, 426),
                "No 101: not even that of hixie-75.", severity=SHOULD)
add_refused(stripped, "hixie-76 without Key1 and Key2, but with key3",
            lambda t: H76.request(t).drop("Sec-WebSocket-Key1", "Sec-WebSocket-Key2")
            .add("Sec-WebSocket-Protocol", "x").with_(tail=KEY3), (400, 426),
            "No 101: not even that of hixie-75.", severity=SHOULD)
add_refused(stripped, "Version 8 with an empty key",
            lambda t: V8.request(t).set("Sec-WebSocket-Key", ""), (400,))

for draft in (H75, H76, V7, V8):
    switched_off = Group(f"OFF-{draft.prefix}", f"{draft.name} is switched off", None, SECTION,
                         needs=[f"off-{draft.generation}"])
    add_refused(switched_off, "A proper handshake", draft.request, (426,),
                "426 with the list of versions.", versions=True)

    def check_without_field(trial, draft=draft):
        peer = trial.connect()
        peer.send(draft.request(trial).bytes)
        head = refused(peer, statuses=(426,), versions=True)
        listed = ",".join(head.all(VERSION)) if head else ""
        number = str(getattr(draft, "version", "none"))
        trial.must(number not in [item.strip() for item in listed.split(",")],
                   "the version that is off stands in the list")

    switched_off.add("The list of versions", "Does not hold what is switched off.",
                     check_without_field, severity=MUST)
