"""What the process runs out of: descriptors, room for connections, memory, time, its log."""

import contextlib
import os
import resource
import signal
import socket
import tempfile
import threading
import time
import urllib.request

from harness import BINARY, TEXT, Ended, opening
from suite import MEBIBYTE, Peer, attack, drain, eventually, expect, frame, healthy

#: Where a server of an attack hands its sockets over.
HANDOVER = os.path.join(tempfile.gettempdir(), f"stargate-attack-{os.getpid()}.sock")


def limit_descriptors(ground, count):
    """Sets the soft limit of the running server."""
    _, hard = resource.prlimit(ground.server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(ground.server.pid, resource.RLIMIT_NOFILE, (count, hard))


@attack(96, "no descriptor is left while clients connect", has_canary=False)
def row96_descriptors(ground):
    old = ground.open()
    before = resource.prlimit(ground.server.pid, resource.RLIMIT_NOFILE)[0]
    limit_descriptors(ground, ground.server.descriptors() + 4)
    waiting = [socket.create_connection((ground.server.host, ground.server.port))
               for _ in range(60)]
    cpu, since = ground.server.cpu_seconds(), time.monotonic()
    longest = 0.0
    while time.monotonic() - since < 4:
        began = time.monotonic()
        old.send(frame(TEXT, b"old"))
        old.expect_echo(TEXT, b"old")
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.05)
    busy = (ground.server.cpu_seconds() - cpu) / (time.monotonic() - since)
    ground.note(f"busy {busy * 100:.0f} %, an old client waited {longest * 1000:.0f} ms")
    expect(busy < 0.25, f"busy {busy * 100:.0f} %")
    told = 0
    for client in waiting:
        client.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            try:
                told += client.recv(100) == b""
            except ConnectionResetError:
                told += 1
    ground.note(f"{told} of {len(waiting)} were told")
    expect(told > 30, "those who wait in vain are not told")
    limit_descriptors(ground, before)
    since = time.monotonic()
    healthy(ground.server)
    recovery = time.monotonic() - since
    ground.note(f"recovered in {recovery * 1000:.0f} ms")
    expect(recovery < 1 + 0.5, f"recovered in {recovery:.1f} s")
    for client in waiting:
        client.close()
    old.socket.close()


@attack(98, "more connections than are let in", serve=("--max-connections", "19"))
def row98_total(ground):
    with ground.peers(18):
        refused = []
        for _ in range(30):
            with ground.peer() as peer:
                peer.send(opening())
                answer = peer.answer()
                if answer.status == 503:
                    expect(int(answer.fields["retry-after"]) > 0, "no Retry-After")
                    drain(peer)
                    refused.append(answer)
        ground.note(f"{len(refused)} refused")
        expect(len(refused) >= 20, f"only {len(refused)} refused")


@attack(98, "more connections from one address than are let in",
        serve=("--max-connections-per-address", "10"))
def row98_address(ground):
    with ground.peers(9):
        for _ in range(10):
            ground.expect_status(opening(), {503})
        with socket.create_connection((ground.server.host, ground.server.port),
                                      source_address=("127.0.0.2", 0)) as other:
            other.sendall(opening())
            expect(other.recv(12) == b"HTTP/1.1 101", "another address was refused")


@attack(98, "handshakes faster than an address may", serve=("--handshake-rate-per-address", "5"),
        has_canary=False, expects_service=False)
def row98_rate(ground):
    statuses = []
    for _ in range(100):
        with ground.peer() as peer:
            peer.send(opening())
            with contextlib.suppress(Exception):
                statuses.append(peer.answer().status)
    ground.note(f"{statuses.count(101)} let in")
    expect(30 <= statuses.count(101) <= 70, f"{statuses.count(101)} let in")
    time.sleep(1)
    healthy(ground.server)


@attack(99, "200 peers fill memory with messages that never end",
        serve=("--memory-budget", "16m"))
def row99_memory(ground):
    half = frame(BINARY, bytes(900_000))[:800_000]
    peers = []
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            with contextlib.suppress(Exception):
                peer = stack.enter_context(ground.open(timeout=1))
                peer.send(half)
                peers.append(peer)
        ground.note(f"{len(peers)} were let in")
        cut = 0
        for peer in peers:
            peer.socket.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                cut += peer.closing() in (1006, 1013)
        ground.note(f"{cut} were cut")
        expect(cut > 0, "nobody had to go")
    # The accounts follow when the loops have noticed.
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            return healthy(ground.server)


@attack(101, "300 connections at once", serve=("--loops", "2"))
def row101_storm(ground):
    since = time.monotonic()
    sockets = []
    for _ in range(300):
        client = socket.socket()
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect((ground.server.host, ground.server.port))
        sockets.append(client)
    for client in sockets:
        client.setblocking(True)
        client.settimeout(10)
        client.sendall(opening() + frame(TEXT, b"storm"))
    for client in sockets:
        data = b""
        while b"storm" not in data:
            more = client.recv(4096)
            expect(more, "a client was not served")
            data += more
    ground.note(f"all served in {time.monotonic() - since:.2f} s")
    for client in sockets:
        client.close()


@attack(102, "400 times connect, echo, close")
def row102_cycles(ground):
    for _ in range(400):
        healthy(ground.server)


@attack(103, "200 idle connections cost nothing", has_canary=False)
def row103_idle(ground):
    with ground.peers(200):
        cpu, since = ground.server.cpu_seconds(), time.monotonic()
        time.sleep(3)
        busy = (ground.server.cpu_seconds() - cpu) / (time.monotonic() - since)
        ground.note(f"busy {busy * 100:.1f} %")
        expect(busy < 0.05, f"busy {busy * 100:.0f} %")


@attack(104, "the process is stopped for 45 s: nobody is cut who answers", has_canary=False,
        is_short=False)
def row104_stopped(ground):
    with ground.peers(5) as peers:
        os.kill(ground.server.pid, signal.SIGSTOP)
        time.sleep(45)
        os.kill(ground.server.pid, signal.SIGCONT)
        for peer in peers:
            peer.send(frame(TEXT, b"still here"))
            peer.expect_echo(TEXT, b"still here")
        # Peers that only answer pings are not judged by the time of the stop either.
        deadline = time.monotonic() + 30
        pings = 0
        while time.monotonic() < deadline:
            for peer in peers:
                peer.socket.settimeout(0.1)
                with contextlib.suppress(TimeoutError):
                    _, opcode, payload = peer.frame()
                    expect(opcode == 9, f"opcode {opcode}")
                    peer.send(frame(10, payload))
                    pings += 1
        ground.note(f"{pings} pings answered")


@attack(106, "a log that nobody reads, and clients that break every rule", has_canary=False)
def row106_log(ground):
    # Standard error is a file here; a full pipe is the library's own test.
    for _ in range(200):
        with ground.peer() as peer:
            peer.send(b"\x00\xff nonsense\r\n\r\n")
            with contextlib.suppress(Exception):
                drain(peer)
    ground.server.log.flush()
    size = os.path.getsize(ground.server.log.name)
    expect(size < 64 * 1024, f"{size} bytes were logged about 200 bad clients")


@attack(106, "SIGPIPE for the whole process, as a thread of the application brings it about")
def row106_signal(ground):
    for _ in range(5):
        os.kill(ground.server.pid, signal.SIGPIPE)
    healthy(ground.server)


@attack(106, "peers that are gone while the server writes to them: no SIGPIPE")
def row106_sigpipe(ground):
    for _ in range(30):
        peer = ground.open()
        peer.send(frame(BINARY, bytes(500_000)))
        peer.reset()
    expect(ground.server.alive(), "the server died")


@attack(71, "messages faster than a peer may", serve=("--max-message-rate", "1000"),
        has_canary=False)
def row71_rate(ground):
    with ground.open() as peer:
        peer.send(frame(TEXT, b"again") * 5000)
        code = peer.closing()
        expect(code == 1008, f"closed with {code}")


@attack(116, "one subscriber of 20 does not read", serve=())
def row116_subscriber(ground):
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(ground.open("/topic/x", timeout=20)) for _ in range(19)]
        stack.enter_context(ground.open("/topic/x", receive_buffer=4096))
        publisher = stack.enter_context(ground.open("/topic/x"))
        count, size = 300, 20_000
        counts = [0] * len(readers)

        def read(place):
            with contextlib.suppress(Ended, TimeoutError):
                while counts[place] < count:
                    readers[place].message()
                    counts[place] += 1

        threads = [threading.Thread(target=read, args=(place,)) for place in range(len(readers))]
        for thread in threads:
            thread.start()
        for _ in range(count):
            publisher.send(frame(BINARY, bytes(size)))
            time.sleep(0.002)
        for thread in threads:
            thread.join()
        expect(counts == [count] * len(readers), f"received {sorted(set(counts))} of {count}")


@attack(96, "no descriptor is left while the next generation asks for the sockets",
        serve=("--handover", HANDOVER), has_canary=False)
def row96_handover(ground):
    before = resource.prlimit(ground.server.pid, resource.RLIMIT_NOFILE)[0]
    limit_descriptors(ground, ground.server.descriptors())
    with socket.socket(socket.AF_UNIX) as next_generation:
        next_generation.connect(HANDOVER)
        cpu, since = ground.server.cpu_seconds(), time.monotonic()
        time.sleep(2)
        busy = (ground.server.cpu_seconds() - cpu) / (time.monotonic() - since)
        ground.note(f"busy {busy * 100:.0f} %")
        expect(busy < 0.25, f"busy {busy * 100:.0f} %")
        limit_descriptors(ground, before)
        next_generation.settimeout(5)
        expect(next_generation.recv(1) == b"F", "nothing is handed over")
    os.unlink(HANDOVER)


@attack(96, "metrics are readable while connections storm", serve=("--metrics", "/metrics"))
def row96_metrics(ground):
    from prometheus_client.parser import text_string_to_metric_families
    with ground.peers(50):
        page = urllib.request.urlopen(
            f"http://{ground.server.host}:{ground.server.port}/metrics", timeout=5)
        expect(page.headers["Content-Type"].startswith("text/plain; version=0.0.4"), "wrong type")
        families = {family.name: family
                    for family in text_string_to_metric_families(page.read().decode())}
    expect(len(families) > 30, f"{len(families)} families")
    active = sum(sample.value for sample in families["stargate_connections_active"].samples)
    expect(active >= 50, f"{active} connections active")
    for family in families.values():
        expect(family.documentation, f"{family.name} has no help")
        expect(family.type in ("counter", "gauge", "histogram"), f"{family.name}: {family.type}")
    longest = max(s.value for s in families["stargate_loop_turn_longest_milliseconds"].samples)
    ground.note(f"longest turn {longest:.0f} ms")
