"""The demo page in headless Chromium: two tabs talk, and find their way back to a new server.

Chromium is driven over its own debugging protocol, which is JSON over a WebSocket.
"""

import base64
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from websockets.sync.client import connect

from harness import LOGS, Server, expect

NAMES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """One headless browser and the socket on which it takes orders."""

    def __init__(self, program, *options):
        self.profile = tempfile.TemporaryDirectory(prefix="stargate-browser-",
                                                   ignore_cleanup_errors=True)
        command = [program, "--headless=new", "--disable-gpu", "--remote-debugging-port=0",
                   "--no-first-run", "--disable-extensions", "--disable-background-networking",
                   "--disable-dev-shm-usage", f"--user-data-dir={self.profile.name}"]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium refuses to run as root with it.
        self.process = subprocess.Popen([*command, *options, "about:blank"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        start_new_session=True)
        self.socket = connect(self.address(), max_size=None, compression=None)
        self.numbers = itertools.count(1)

    def address(self):
        for line in self.process.stderr:
            if match := re.search(rb"DevTools listening on (ws://\S+)", line):
                return match.group(1).decode()
        raise RuntimeError("the browser did not start")

    def call(self, method, session=None, **parameters):
        number = next(self.numbers)
        order = {"id": number, "method": method, "params": parameters}
        if session:
            order["sessionId"] = session
        self.socket.send(json.dumps(order))
        while True:
            answer = json.loads(self.socket.recv(timeout=30))
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def close(self):
        with contextlib.suppress(Exception):
            self.call("Browser.close")
        with contextlib.suppress(Exception):
            self.socket.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            # The session was made for this browser: its helpers end with it.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.profile.cleanup()


class Tab:
    """One page."""

    def __init__(self, browser, url, dark=False, width=760, height=720):
        self.browser = browser
        context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=context,
                              width=width, height=height)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target,
                                    flatten=True)["sessionId"]
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Page.navigate", url=url)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['text']}")
        return answer["result"].get("value")

    def wait(self, expression, message, within=15):
        deadline = time.monotonic() + within
        while not self.evaluate(expression):
            expect(time.monotonic() < deadline,
                   f"{message} (state {self.text('#state')!r}, {self.text('#presence')!r})")
            time.sleep(0.05)

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText")

    def say(self, text):
        """Types as a person does: into the field, then Enter."""
        self.evaluate("document.querySelector('#text').focus()")
        self.call("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter",
                      windowsVirtualKeyCode=13, text="\r" if kind == "keyDown" else "")

    def screenshot(self, name):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path = LOGS / f"{name}.png"
        path.write_bytes(base64.b64decode(data))
        return path

    def wait_open(self):
        self.wait("document.querySelector('#state')?.dataset.state === 'open'", "not connected")

    def wait_line(self, text):
        self.wait(f"[...document.querySelectorAll('#log .text')]"
                  f".some(line => line.textContent === {json.dumps(text)})", f"{text!r} not shown")


def find(report):
    """The program of the browser; that there is none is a failure."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if not program:
        report.line("a browser is installed", False, "run Scripts/install-dependencies.sh test")
    return program


def run(report, demo):
    report.group = "browser"
    program = find(report)
    if not program:
        return
    server = Server([*demo, "--port", "0"], "demo-browser")
    browser = Browser(program)
    try:
        demo_pages(report, server, browser, demo)
    finally:
        browser.close()
        with contextlib.suppress(Exception):
            server.stop()


def demo_pages(report, server, browser, demo):
    url = f"http://{server.host}:{server.port}/"
    with report.check("two tabs connect"):
        one, two = Tab(browser, url), Tab(browser, url, dark=True)
        one.wait_open()
        two.wait_open()
    with report.check("both show that two people are here"):
        for tab in (one, two):
            tab.wait("document.querySelector('#presence').dataset.count === '2'", "not two")
    with report.check("what one types, the other shows"):
        one.say("Hello from the first tab")
        two.wait_line("Hello from the first tab")
        two.say("Hello back: κόσμε, Grüße, €")
        one.wait_line("Hello back: κόσμε, Grüße, €")
    with report.check("markup is shown as text"):
        one.say("<img src=x onerror=document.title='owned'>")
        two.wait_line("<img src=x onerror=document.title='owned'>")
        expect(two.evaluate("document.querySelectorAll('#log img').length") == 0, "an image")
        expect(two.evaluate("document.title") != "owned", "a script of a peer ran")
    with report.check("the round-trip time is shown"):
        for tab in (one, two):
            tab.wait(r"/\d/.test(document.querySelector('#rtt').textContent)", "no time shown")
    with report.check("nothing was fetched from elsewhere, nothing overflows sideways"):
        foreign = one.evaluate(
            "performance.getEntriesByType('resource').filter(e => !e.name.startsWith("
            "location.origin)).length")
        expect(foreign == 0, f"{foreign} outside resources")
        expect(one.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it overflows")
    one.screenshot("page-light")
    two.screenshot("page-dark")
    reconnects(report, server, demo, one, two)
    narrow = Tab(browser, url, width=360, height=640)
    with report.check("the page fits a telephone"):
        narrow.wait_open()
        expect(narrow.evaluate("document.documentElement.scrollWidth <= innerWidth"),
               "it overflows")
        narrow.say("Hello from a telephone")
        one.wait_line("Hello from a telephone")
        narrow.screenshot("page-narrow")


def reconnects(report, server, demo, one, two):
    with report.check("when the server goes the page says so"):
        status, _ = server.stop()
        expect(status == 0, f"exit status {status}")
        for tab in (one, two):
            tab.wait("document.querySelector('#state').dataset.state !== 'open'", "still open")
        one.screenshot("page-offline")
    with report.check("when it comes back both tabs are there again, and talk"):
        again = Server([*demo, "--port", str(server.port)], "demo-again")
        server.__dict__.update(again.__dict__)
        for tab in (one, two):
            tab.wait("document.querySelector('#state').dataset.state === 'open'",
                     "did not reconnect", within=30)
            tab.wait("document.querySelector('#presence').dataset.count === '2'", "not two")
        two.say("Here again")
        one.wait_line("Here again")
