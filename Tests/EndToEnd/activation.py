"""A server that is given its listening socket, by systemd's own tool and over restarts."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from harness import TEXT, Peer, expect, frame, opening


def run(report, bench):
    report.group = "activation"
    activate(report, bench)
    restarts(report, bench)


class Address:
    """What `Peer` wants to know of a server."""

    host = "127.0.0.1"

    def __init__(self, port):
        self.port = port


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def activate(report, bench):
    tool = shutil.which("systemd-socket-activate")
    if tool is None:
        print("activation: there is no systemd-socket-activate, so it is left out", flush=True)
        return
    with report.check("systemd-socket-activate: the client that wakes the server is served"):
        port = free_port()
        process = subprocess.Popen(
            [tool, "-l", f"127.0.0.1:{port}", *map(str, bench), "serve", "--port", "1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            peer = patient(port)
            peer.send(opening() + frame(TEXT, b"who is there"))
            expect(peer.answer().status == 101, "the first client was refused")
            peer.expect_echo(TEXT, b"who is there")
            line = process.stdout.readline().decode()
            expect(line.strip().endswith(f":{port}"), f"said {line!r}, not port {port}")
            with Peer(Address(port)) as other:
                other.shake()
            process.send_signal(signal.SIGTERM)
            expect(peer.closing() == 1001, "the client was not told")
            peer.send(frame(8, b"\x03\xe9"))
            peer.socket.close()
            expect(process.wait(timeout=15) == 0, f"exit status {process.returncode}")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def patient(port, within=10):
    """Connects, as soon as somebody listens."""
    deadline = time.monotonic() + within
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            connection = socket.create_connection(("127.0.0.1", port), 10)
            peer = Peer.__new__(Peer)
            peer.socket, peer.buffer = connection, b""
            return peer
        expect(time.monotonic() < deadline, "nobody listens")
        time.sleep(0.02)


def restarts(report, bench, count=3):
    """As a service manager does it: the socket stays, the processes come and go."""
    with report.check(f"an inherited socket: {count} restarts, no connection refused"), \
            socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        port = listening.getsockname()[1]
        clients = Clients(port)
        for _ in range(count):
            process = start(bench, listening)
            try:
                process.stdout.readline()
                clients.begin()
                time.sleep(0.5)
                process.send_signal(signal.SIGTERM)
                expect(process.wait(timeout=20) in (0, 4), f"exit status {process.returncode}")
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
        last = start(bench, listening)
        last.stdout.readline()
        wrong = clients.finish()
        last.kill()
        last.wait()
        last.stdout.close()
        expect(clients.good > 20, f"only {clients.good} were served")
        expect(not wrong, f"{len(wrong)} of {clients.good + len(wrong)} failed: {wrong[:3]}")


def start(bench, listening):
    """A server with the socket as its descriptor 3, as sd_listen_fds(3) has it."""
    command = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&"$SOCKET"'
    return subprocess.Popen(
        ["bash", "-c", command, "bash", *map(str, bench), "serve", "--port", "1",
         "--drain-window", "200ms"],
        env={**os.environ, "SOCKET": str(listening.fileno())}, pass_fds=[listening.fileno()],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


class Clients:
    """Connects again and again: whoever gets in must be served, or be told that it is over."""

    def __init__(self, port):
        self.port, self.good, self.wrong, self.thread = port, 0, [], None
        self.is_over = False

    def begin(self):
        if self.thread is None:
            self.thread = threading.Thread(target=self.work)
            self.thread.start()

    def work(self):
        while not self.is_over:
            try:
                with Peer(Address(self.port), timeout=20) as peer:
                    peer.shake()
                    self.good += 1
                    peer.send(frame(8, b"\x03\xe8"))
                    peer.closing()
            except Exception as error:  # noqa: BLE001: whatever went wrong is the result
                self.wrong.append(repr(error))
            time.sleep(0.01)

    def finish(self):
        time.sleep(0.5)
        self.is_over = True
        self.thread.join()
        return self.wrong
