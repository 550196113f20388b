"""What the attacks share: the list of them, the ground each is fought on, and the judgement.

Every attack has a server of its own, which somebody else uses at the same time: the canary, a
client in a process of its own that must never be cut nor kept waiting. After the attack a fresh
client must be served, the descriptors must be back, and memory must not have grown past the
limit. What the attack itself gets (a status, a close code) the attack's function judges.
"""

import contextlib
import dataclasses
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "EndToEnd"))

from canary import Canary  # noqa: E402
from harness import Peer, Server, CheckFailed, eventually, expect, frame, healthy  # noqa: E402

MEBIBYTE = 1 << 20
#: What resident memory may grow by, at the default limits.
GROWTH_MAX = 16 * MEBIBYTE
#: What nobody else may have to wait, in seconds.
STALL_MAX = 0.5
#: How long closed connections may take to give their descriptors back: the longest is one that was
#: failed and whose peer never ends the stream (closeTimeout, 5 s).
DESCRIPTORS_WITHIN = 8.0


@dataclasses.dataclass
class Attack:
    """One attack: the row of the list of threats, a name, and how it is to be judged."""

    row: int
    name: str
    body: object
    #: Arguments of `serve`, beside the port.
    serve: tuple = ()
    #: Environment of the server.
    environment: dict = dataclasses.field(default_factory=dict)
    growth_max: int = GROWTH_MAX
    #: Whether it is part of the short form.
    is_short: bool = True
    #: Whether a canary is there; not where the attack takes the server away from everybody.
    has_canary: bool = True
    #: Whether a fresh client is to be served afterwards.
    expects_service: bool = True

    @property
    def label(self):
        return f"{self.row:>3} {self.name}"


ATTACKS = []


def attack(row, name, **judgement):
    """Registers a function as an attack. It is given the `Ground`, and raises when the server
    does not answer as it should."""

    def register(body):
        ATTACKS.append(Attack(row, name, body, **judgement))
        return body

    return register


class Ground:
    """A server under attack, and what is measured of it."""

    def __init__(self, command, attack, number):
        environment = dict(os.environ, SWIFT_BACKTRACE="enable=no", **attack.environment)
        name = f"attack-{number:03}-row{attack.row}"
        self.server = Server([*command, "serve", "--port", "0", *attack.serve], name,
                             environment=environment)
        self.attack = attack
        self.notes = []

    def peer(self, **options):
        """A connection that has not said anything yet."""
        return Peer(self.server, **options)

    def open(self, path="/", timeout=5.0, receive_buffer=None, **options):
        """A connection whose opening handshake is done."""
        peer = Peer(self.server, timeout=timeout, receive_buffer=receive_buffer)
        try:
            return peer.shake(path, **options)
        except BaseException:
            peer.socket.close()
            raise

    @contextlib.contextmanager
    def peers(self, count, **options):
        """So many open connections."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.open(**options)) for _ in range(count)]

    def note(self, text):
        """Something worth a word in the report."""
        self.notes.append(text)

    def expect_code(self, data, codes, **options):
        """Sends bytes on a connection of its own and insists on one of these close codes."""
        with self.open(**options) as peer:
            peer.send(data)
            code = peer.closing()
            expect(code in codes, f"closed with {code}, not {sorted(codes)}")

    def expect_status(self, data, statuses, ends=True, **options):
        """Sends bytes before any handshake and insists on one of these statuses, and on the end of
        the connection behind it."""
        with self.peer(**options) as peer:
            peer.send(data)
            answer = peer.answer()
            expect(answer.status in statuses, f"answered {answer.line!r}, not {sorted(statuses)}")
            if ends:
                drain(peer)
            return answer

    # What is measured.

    def reset_peak(self):
        """The greatest resident size is counted from here on."""
        with open(f"/proc/{self.server.pid}/clear_refs", "w") as file:
            file.write("5")

    def peak(self):
        with open(f"/proc/{self.server.pid}/status") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return self.server.resident_bytes()

    def waiting_seconds(self):
        """How long the server's threads were ready to run and had no processor: the machine's
        doing, not the server's."""
        total = 0
        for thread in os.listdir(f"/proc/{self.server.pid}/task"):
            with contextlib.suppress(OSError):
                with open(f"/proc/{self.server.pid}/task/{thread}/schedstat") as file:
                    total += int(file.read().split()[1])
        return total / 1e9


def drain(peer, within=6.0):
    """Reads to the end of the stream, which the server must bring about."""
    deadline = time.monotonic() + within
    peer.socket.settimeout(within)
    total = 0
    while True:
        try:
            data = peer.socket.recv(1 << 16)
        except ConnectionResetError:
            return total
        except TimeoutError:
            raise CheckFailed(f"the server left TCP open for {within} s") from None
        if not data:
            return total
        total += len(data)
        expect(time.monotonic() < deadline, f"the stream went on for {within} s")


def fight(command, attack, number, figures):
    """Runs one attack and fills in the figures; raises when the server did not stand it."""
    ground = Ground(command, attack, number)
    with ground.server as server:
        healthy(server)
        canary = Canary(server) if attack.has_canary else None
        try:
            judge(ground, canary, figures)
        finally:
            if canary:
                canary.close()


def judge(ground, canary, figures):
    server, attack = ground.server, ground.attack
    # The page cache of the program and the first buffers belong to no attack.
    for _ in range(8):
        healthy(server)
    eventually(lambda: server.descriptors() <= descriptors_idle(ground, canary),
               "the server did not come to rest", DESCRIPTORS_WITHIN)
    ground.reset_peak()
    memory = server.resident_bytes()
    waited = ground.waiting_seconds()
    if canary:
        canary.reset()
    figures["notes"] = ground.notes
    try:
        attack.body(ground)
    finally:
        growth = figures["growth"] = max(0, ground.peak() - memory)
    if canary:
        stall, oversleep = canary.stop()
        # Generous, because the machine has other things to do: what it kept the two processes from
        # running is not the server's fault.
        figures["noise"] = oversleep + ground.waiting_seconds() - waited
        figures["stall"] = stall
        expect(stall < STALL_MAX + figures["noise"],
               f"the canary waited {stall * 1000:.0f} ms, the machine's part is "
               f"{figures['noise'] * 1000:.0f} ms")
    expect(growth <= attack.growth_max,
           f"resident memory grew by {growth / MEBIBYTE:.1f} MiB")
    if attack.expects_service:
        healthy(server)
        eventually(lambda: server.descriptors() <= ground.idle, "descriptors were left",
                   DESCRIPTORS_WITHIN)


def descriptors_idle(ground, canary):
    """The descriptors of a server that nobody but the canary is connected to. The first call takes
    the measure, a moment after the start."""
    if not hasattr(ground, "idle"):
        last = None
        while last != (last := ground.server.descriptors()):
            time.sleep(0.1)
        ground.idle = last
    return ground.idle


__all__ = ["ATTACKS", "Attack", "Ground", "MEBIBYTE", "Peer", "attack", "drain", "eventually",
           "expect", "fight", "frame", "healthy"]
