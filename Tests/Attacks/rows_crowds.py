"""Many at once, each of whom does what one may: what they cost together, and whether others wait."""

import contextlib
import selectors
import threading
import time

from harness import BINARY, TEXT
from suite import attack, eventually, expect, frame


class Crowd:
    """Peers that one thread serves: each sends its bytes again and again, if it has any, and reads
    what comes, if it is to."""

    def __init__(self, seconds):
        self.deadline = time.monotonic() + seconds
        self.selector = selectors.DefaultSelector()
        self.received = 0
        self.ended = 0

    def add(self, peer, data=b"", reads=True):
        peer.socket.setblocking(False)
        events = (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if data else 0)
        self.selector.register(peer.socket, events, [data, memoryview(data)])

    def run(self):
        while time.monotonic() < self.deadline and self.selector.get_map():
            for key, events in self.selector.select(0.05):
                try:
                    self.serve(key.fileobj, key.data, events)
                except BlockingIOError:
                    pass
                except OSError:
                    self.leave(key.fileobj)

    def serve(self, socket, data, events):
        if events & selectors.EVENT_READ:
            count = len(socket.recv(1 << 18))
            self.received += count
            if count == 0:
                return self.leave(socket)
        if events & selectors.EVENT_WRITE:
            data[1] = data[1][socket.send(data[1][:1 << 16]):] or memoryview(data[0])

    def leave(self, socket):
        self.ended += 1
        self.selector.unregister(socket)


@attack(71, "100 peers pump small messages and read the echoes", serve=("--loops", "1"))
def row71_crowd(ground):
    with ground.peers(100) as peers:
        crowd = Crowd(4)
        for peer in peers:
            crowd.add(peer, frame(TEXT, b"pump") * 5000)
        crowd.run()
        expect(crowd.ended == 0, f"{crowd.ended} peers were cut")
        for peer in peers:
            peer.reset()


@attack(63, "60 peers pump small messages and never read", serve=("--loops", "1"))
def row63_crowd(ground):
    with ground.peers(60, receive_buffer=4096) as peers:
        crowd = Crowd(4)
        for peer in peers:
            crowd.add(peer, frame(TEXT, b"pump") * 5000, reads=False)
        crowd.run()
        for peer in peers:
            peer.reset()


@attack(117, "four publishers storm a topic of 2,000 subscribers", serve=("--loops", "1"))
def row117_storm(ground):
    with contextlib.ExitStack() as stack:
        crowd = Crowd(5)
        for _ in range(2000):
            crowd.add(stack.enter_context(ground.open("/topic/storm", timeout=20)))
        reader = threading.Thread(target=crowd.run)
        reader.start()
        publishers = Crowd(4)
        for _ in range(4):
            publishers.add(stack.enter_context(ground.open("/topic/storm")),
                           frame(BINARY, bytes(1000)) * 100)
        publishers.run()
        reader.join()
        ground.note(f"{crowd.received >> 20} MiB arrived, {crowd.ended} were too slow")
        expect(crowd.received > 0, "nobody got anything")


@attack(117, "500 subscribers of a topic, none of whom reads", serve=("--loops", "1"))
def row117_silent(ground):
    with contextlib.ExitStack() as stack:
        before = ground.server.descriptors()
        for _ in range(500):
            stack.enter_context(ground.open("/topic/storm", timeout=20, receive_buffer=4096))
        publishers = Crowd(5)
        for _ in range(4):
            publishers.add(stack.enter_context(ground.open("/topic/storm")),
                           frame(BINARY, bytes(1000)) * 100)
        publishers.run()
        # 1,024 messages are owed to each before he has to go.
        eventually(lambda: ground.server.descriptors() < before + 20, "they are kept", 15)
