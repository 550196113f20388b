import Glibc
import Testing

@testable import StargateCore

@Suite("The watchdog", .ownThreads)
struct WatchdogTests {
    @Test(
        "THREATS 111: a callback that blocks the loop is named, once, and counted",
        arguments: ["received", "opened", "answering a request", "deciding", "posted"]
    )
    func names(callback: String) async throws {
        let log = Journal()
        let gate = Semaphore()
        let server = Server(
            configuration: .quiet {
                $0.watchdogLimit = .milliseconds(20)
                $0.log = { log.note("\($0)") }
            }
        )
        server.webSocket("/chat/:room", origin: .any) { (_: UpgradeRequest) -> UpgradeDecision in
            if callback == "deciding" { gate.wait() }
            let script = Script(
                opened: { _ in if callback == "opened" { gate.wait() } },
                received: { _, _ in
                    if callback == "received" { gate.wait() }
                    return true
                }
            )
            return .accept { ScriptedHandler(Journal(), script) }
        }
        server.get("/page/:name") { (_: Request) -> Response in
            gate.wait()
            return .text("ok")
        }
        try server.start()
        let address = try #require(server.addresses.first)
        let peer = try RawPeer(address)
        let pattern =
            switch callback {
            case "answering a request": "/page/:name"
            case "posted": "loop 0"
            default: "/chat/:room"
            }
        // On a busy machine other callbacks may be slow, too: before this one and after it.
        func lineCount(_ events: [HandlerEvent]) -> Int {
            events.map { "\($0)" }.count { $0.contains(callback) && $0.contains(pattern) }
        }
        _ = await server.counters()
        let before = lineCount(log.events)
        switch callback {
        case "answering a request": try peer.send("GET /page/a HTTP/1.1\r\nHost: a\r\n\r\n")
        case "posted": server.mailboxes.first?.post { _ in gate.wait() }
        default: try peer.send(Array(upgradeRequest("/chat/a").utf8) + textFrame("x"))
        }
        #expect(log.wait { lineCount($0) > before })
        // Longer than several looks: it is said once.
        usleep(100_000)
        #expect(lineCount(log.events) == before + 1)
        gate.signal()
        #expect(await server.counters().stalls >= 1)
        await server.stop()
    }

    @Test("busy is not blocked: turns that follow each other are no incident")
    func judging() {
        func glance(_ turn: UInt, _ work: LoopWork = .received) -> LoopActivity.Glance {
            LoopActivity.Glance(turn: turn, work: work, route: .none)
        }
        var watch = LoopWatch(count: 1, looksPerLimit: 2)
        for turn: UInt in 0..<10 { #expect(watch.look(glance(turn), at: 0) == nil) }
        // Asleep for long.
        for _ in 0..<10 { #expect(watch.look(glance(10, .nothing), at: 0) == nil) }
        #expect(watch.isWell)
        #expect(watch.look(glance(11), at: 0) == nil)
        #expect(watch.look(glance(11), at: 0) == nil)
        #expect(watch.look(glance(11), at: 0) != nil)
        #expect(!watch.isWell)
        #expect(watch.look(glance(11), at: 0) == nil)
        #expect(watch.look(glance(12), at: 0) == nil)
        #expect(watch.isWell)
    }

    @Test("a pattern has one mark, and a mark its pattern")
    func marks() {
        let mark = RouteMark("/a/:watchdog")
        #expect(mark == RouteMark("/a/:watchdog") && mark != RouteMark("/b/:watchdog"))
        #expect(mark.pattern == "/a/:watchdog" && RouteMark.none.pattern == nil)
        #expect(RouteMark(index: .max).pattern == nil)
    }
}
