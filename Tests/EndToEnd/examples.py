"""The small examples: what each of them shows, over real sockets."""

import json
import time

from harness import CLOSE, TEXT, Peer, Server, expect, frame, opening


def ask(server, method, path, body=None, extra=""):
    """Sends one plain request and returns its answer and body."""
    with Peer(server) as peer:
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{length}{extra}\r\n"
        peer.send(head.encode() + (body or b""))
        answer = peer.answer()
        return answer, peer.take(int(answer.fields.get("content-length", 0)))


def run_jobs(report, command):
    report.group = "jobs"
    with Server([command, "0"], "jobs") as server:
        with report.check("the page, and 304 for those who have it"):
            page, _ = ask(server, "GET", "/")
            expect(page.status == 200, page.line)
            again, _ = ask(server, "GET", "/", extra=f"If-None-Match: {page.fields['etag']}\r\n")
            expect(again.status == 304, again.line)
        with report.check("POST changes a job, and every attached page sees it"):
            pages = [Peer(server).shake("/jobs") for _ in range(5)]
            for page in pages:
                for number in "123":
                    opcode, line = page.message()
                    expect(opcode == TEXT, "not text")
                    expect(json.loads(line) == {"id": number, "state": "waiting"}, line)
            answer, body = ask(server, "POST", "/jobs/2", b"state=start")
            expect(answer.status == 200 and body == b"running\n", answer.line)
            ask(server, "POST", "/jobs/2", b"state=finish")
            for page in pages:
                states = [json.loads(page.message()[1])["state"] for _ in range(2)]
                expect(states == ["running", "finished"], states)
                page.socket.close()
            expect(ask(server, "GET", "/jobs/2")[1] == b"finished\n", "the job has another state")
        with report.check("what is no change is refused"):
            expect(ask(server, "POST", "/jobs/9", b"state=start")[0].status == 404, "no 404")
            expect(ask(server, "POST", "/jobs/1", b"state=dance")[0].status == 422, "no 422")
            answer, _ = ask(server, "DELETE", "/jobs/1")
            expect(answer.status == 405 and answer.fields["allow"] == "GET, HEAD, POST", answer.line)
        with report.check("health and readiness"):
            expect(ask(server, "GET", "/health")[1] == b"ok", "not healthy")
            expect(ask(server, "GET", "/ready")[1] == b"ready", "not ready")
        with report.check("an orderly end"):
            expect(server.stop()[0] == 0, "another exit status")


def run_auth(report, command):
    report.group = "auth"
    with Server([command, "0"], "auth") as server:
        with report.check("who is not logged in is refused"):
            for path, status in (("/me", 401), ("/me?token=guess", 403)):
                with Peer(server) as peer:
                    peer.send(opening(path))
                    answer = peer.answer()
                    expect(answer.status == status, answer.line)
            expect(ask(server, "POST", "/login", b"name=1")[0].status == 422, "no 422")
        with report.check("a token opens the socket, from the query and from the cookie"):
            answer, token = ask(server, "POST", "/login", b"name=ann")
            token = token.decode().strip()
            cookie = answer.fields["set-cookie"]
            expect(cookie.startswith(f"session={token};") and "HttpOnly" in cookie, cookie)
            for path, extra in ((f"/me?token={token}", ""), ("/me", f"Cookie: session={token}\r\n")):
                with Peer(server) as peer:
                    peer.shake(path, extra=extra)
                    expect(peer.message() == (TEXT, b"hello ann"), "not greeted")
        with report.check("a page of somebody else is refused before its cookie is looked at"):
            with Peer(server) as peer:
                peer.send(opening("/me", extra=f"Origin: http://evil.example\r\nCookie: session={token}\r\n"))
                answer = peer.answer()
                expect(answer.status == 403, answer.line)
        with report.check("an orderly end"):
            expect(server.stop()[0] == 0, "another exit status")


def run_rooms(report, command):
    report.group = "rooms"
    with Server([command, "0"], "rooms") as server:
        def enter(room, name):
            return Peer(server).shake(f"/rooms/{room}?name={name}")

        def told(peer):
            opcode, line = peer.message()
            expect(opcode == TEXT, "not text")
            return json.loads(line)

        with report.check("who comes and goes is told to the room, and to no other"):
            ann, other = enter("a", "ann"), enter("b", "cid")
            expect(told(ann) == {"type": "people", "names": ["ann"]}, "not alone")
            bob = enter("a", "bob")
            for peer in (ann, bob):
                expect(told(peer)["names"] == ["ann", "bob"], "not two")
        with report.check("a line reaches everybody in the room, as it was"):
            line = 'a "quoted" line \\ with\ttab, <b>, κόσμε'
            bob.send(frame(TEXT, line.encode()))
            for peer in (ann, bob):
                expect(told(peer) == {"type": "line", "from": "bob", "text": line}, "another line")
            expect(told(other) == {"type": "people", "names": ["cid"]}, "no list")
            bob.socket.close()
            expect(told(ann)["names"] == ["ann"], "bob is still there")
        with report.check("what is no name is refused"):
            for path in ("/rooms/a", "/rooms/a?name=", "/rooms/a?name=%22", "/rooms/%2B?name=a"):
                with Peer(server) as peer:
                    peer.send(opening(path))
                    expect(peer.answer().status == 400, path)
        with report.check("an orderly end"):
            expect(server.stop()[0] == 0, "another exit status")


def run_ticker(report, command):
    report.group = "ticker"
    with Server([command, "0", "4000"], "ticker") as server:
        with report.check("a peer that does not read is spared prices, and then gets the latest"):
            slow = Peer(server).shake("/prices")
            deadline = time.monotonic() + 60
            while int(ask(server, "GET", "/skipped")[1]) < 1000:
                expect(time.monotonic() < deadline, "nothing was skipped")
                time.sleep(0.2)
            quick = Peer(server).shake("/prices")
            seen = {json.loads(quick.message()[1])["symbol"] for _ in range(60)}
            expect(len(seen) == 6, f"{len(seen)} symbols")
            latest = {}
            for _ in range(2000):
                price = json.loads(slow.message()[1])
                latest[price["symbol"]] = price["price"]
            expect(set(latest) == seen, "a symbol is missing")
            expect(server.alive(), "the server is gone")
        with report.check("an orderly end"):
            expect(server.stop()[0] == 0, "another exit status")


def run_worker(report, command):
    report.group = "worker"
    with Server([command, "0", "20"], "worker") as server:
        with report.check("jobs are done in order, and answered one by one"):
            with Peer(server).shake("/work") as peer:
                for number in range(1, 6):
                    peer.send(frame(TEXT, b"x" * number))
                for number in range(1, 6):
                    answer = peer.message()
                    expect(answer == (TEXT, f"{number}: {number} bytes".encode()), answer)
        with report.check("a peer that sends faster than the work is done has to wait"):
            with Peer(server).shake("/work") as peer:
                # A job takes 20 ms, and the worker takes 16 ahead; what else is gone after two seconds
                # is in the kernels' buffers, which hold far less than all of it.
                job = frame(TEXT, b"x" * 65_536)
                deadline = time.monotonic() + 2
                sent = 0
                while sent < 1000 and time.monotonic() < deadline:
                    peer.socket.sendall(job)
                    sent += 1
                expect(16 <= sent < 1000, f"{sent} jobs were taken at once")
        with report.check("who works when the server stops is told goodbye"):
            with Peer(server).shake("/work") as peer:
                peer.send(frame(TEXT, b"job"))
                expect(peer.message() == (TEXT, b"1: 3 bytes"), "another answer")
                server.process.terminate()
                opcode, payload = peer.message()
                expect(opcode == CLOSE and payload[:2] == b"\x03\xe9", payload)
        with report.check("an orderly end"):
            # It has had its signal: a second one would cut short what is orderly.
            expect(server.finish()[0] == 0, "another exit status")
