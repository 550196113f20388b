// How to test handlers of your own: the same routes, in memory, without a socket. Everything that a
// call brings about has happened when it returns.

import StargateCore
import StargateTesting
import Testing

@testable import rooms

@Suite("Rooms")
struct GuestTests {
    private func makeApp() throws -> TestServer {
        try TestServer { server in addRoutes(to: server) }
    }

    @Test("a line reaches everybody in the room, and nobody else")
    func lines() throws {
        let app = try makeApp()
        let ann = try app.connect("/rooms/a?name=ann")
        let bob = try app.connect("/rooms/a?name=bob")
        let cid = try app.connect("/rooms/b?name=cid")
        for peer in [ann, bob, cid] { _ = try peer.receiveAll() }
        bob.send(#"a "quoted" line"#)
        for peer in [ann, bob] {
            let line = #"{"type":"line","from":"bob","text":"a \"quoted\" line"}"#
            #expect(try peer.receive() == .text(line))
        }
        try cid.expectNothing()
    }

    @Test("who goes is told to those who stay, however it goes")
    func leaving() throws {
        let app = try makeApp()
        let ann = try app.connect("/rooms/a?name=ann")
        let bob = try app.connect("/rooms/a?name=bob")
        let cid = try app.connect("/rooms/a?name=cid")
        _ = try ann.receiveAll()
        bob.close()
        #expect(try ann.receive() == .text(#"{"type":"people","names":["ann","cid"]}"#))
        // A peer that has vanished is found out by its silence: time is the test's own.
        cid.answersByItself = false
        app.advance(by: .seconds(60))
        #expect(try ann.receive() == .text(#"{"type":"people","names":["ann"]}"#))
        #expect(cid.isEnded)
    }

    @Test("a line that is too long ends the connection with 1009")
    func longLine() throws {
        let app = try makeApp()
        let ann = try app.connect("/rooms/a?name=ann")
        ann.send(String(repeating: "x", count: 5000))
        #expect(ann.receivedClose?.code == .messageTooBig)
    }

    @Test("what is no name is refused", arguments: ["", "?name=", "?name=%22"])
    func names(query: String) throws {
        let app = try makeApp()
        let refusal = #expect(throws: TestRefusal.self) { try app.connect("/rooms/a\(query)") }
        #expect(refusal?.response.status == 400)
    }
}
