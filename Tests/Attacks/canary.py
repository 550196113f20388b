"""The client that must not notice an attack: it echoes a message every few milliseconds, in a
process of its own so that the attacker's work does not slow it down, and remembers its longest
wait.

Run as a program it is that process: it takes `reset`, `stop` on standard input and answers with a
line of JSON.
"""

import json
import os
import pathlib
import select
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "EndToEnd"))

from harness import TEXT, CheckFailed, Ended, Peer, frame  # noqa: E402

PAUSE = 0.01
#: When an echo is as late as this, it does not come.
PATIENCE = 20.0


class Canary:
    """The canary, seen from the attack."""

    def __init__(self, server):
        self.process = subprocess.Popen(
            [sys.executable, "-B", __file__, server.host, str(server.port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said()

    def ask(self, word):
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.said()

    def said(self):
        line = self.process.stdout.readline()
        if not line:
            raise CheckFailed("the canary died")
        answer = json.loads(line)
        if "error" in answer:
            raise CheckFailed(f"the canary {answer['error']}")
        return answer

    def reset(self):
        """Begins to measure."""
        self.ask("reset")

    def stop(self):
        """The longest wait for an echo in seconds, and how long the canary overslept at most."""
        answer = self.ask("stop")
        return answer["stall"], answer["oversleep"]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)


class Address:
    """What `Peer` wants to know of a server."""

    def __init__(self, host, port):
        self.host, self.port = host, port


class Watch:
    """The canary's own work."""

    def __init__(self, host, port):
        self.peer = Peer(Address(host, port), timeout=PATIENCE).shake("/canary")
        self.reset()

    def reset(self):
        self.stall = self.oversleep = 0.0

    def echo(self, number):
        payload = b"canary %d" % number
        since = time.monotonic()
        self.peer.send(frame(TEXT, payload))
        try:
            self.peer.expect_echo(TEXT, payload)
        except Ended:
            raise CheckFailed("was cut") from None
        except TimeoutError:
            raise CheckFailed(f"got no echo in {PATIENCE:.0f} s") from None
        self.stall = max(self.stall, time.monotonic() - since)

    def order(self):
        """Sleeps until there is an order, which is returned, or it is time for an echo."""
        before = time.monotonic()
        ready, _, _ = select.select([sys.stdin], [], [], PAUSE)
        if ready:
            return os.read(sys.stdin.fileno(), 64).decode().strip() or "end"
        self.oversleep = max(self.oversleep, time.monotonic() - before - PAUSE)
        return None


def say(**values):
    print(json.dumps(values), flush=True)


def main():
    try:
        watch = Watch(sys.argv[1], int(sys.argv[2]))
        say(ready=True)
        number = 0
        while (order := watch.order()) != "end":
            if order == "reset":
                watch.reset()
                say(ready=True)
            elif order == "stop":
                say(stall=watch.stall, oversleep=watch.oversleep)
            watch.echo(number)
            number += 1
    except (CheckFailed, OSError) as error:
        say(error=str(error))


if __name__ == "__main__":
    main()
