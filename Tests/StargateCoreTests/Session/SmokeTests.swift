import Testing

@testable import StargateCore

@Suite("Smoke")
struct SmokeTests {
    @Test func echo() async throws {
        let server = try TestServer()
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("hello"))
        #expect(try peer.receiveFrame().text == "hello")
        try peer.send(closeFrame(1000))
        #expect(try peer.receiveFrame().closeCode == 1000)
        #expect(try peer.receiveRest().isEmpty)
        await server.stop()
        #expect(server.journal.events == [.opened, .text("hello"), .closed(1000, "")])
    }
}
