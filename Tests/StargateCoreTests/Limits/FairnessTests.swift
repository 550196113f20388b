import Testing

@testable import StargateCore

@Suite("THREATS 71: what one peer may do in a turn")
struct FairnessTests {
    @Test("who sends much in one piece waits for the next turn, and loses nothing")
    func yields() async throws {
        let server = try TestServer()
        let peer = try RawPeer.open(server.address)
        let count = 10_000
        try peer.send((0..<count).flatMap { textFrame(String($0)) })
        for number in 0..<count {
            guard try peer.receiveFrame().text == String(number) else {
                Issue.record("message \(number) is not what was sent")
                break
            }
        }
        #expect(server.server.metrics.yields > 0)
        #expect(server.server.metrics.framesReceived == UInt64(count))
        peer.close()
        await server.stop()
    }

    @Test("a Close frame behind much is answered when its turn comes")
    func closeBehindMuch() async throws {
        var script = Script()
        script.received = { _, _ in false }
        let server = try TestServer(script: script)
        let peer = try RawPeer.open(server.address)
        try peer.send(
            (0..<9000).flatMap { _ in frame(0x82, [1]) } + closeFrame(1000)
        )
        #expect(try peer.receiveFrame().closeCode == 1000)
        _ = try peer.receiveRest()
        await server.stop()
        #expect(server.journal.closings.count == 1)
        #expect(server.server.metrics.connectionsActive == 0)
    }

    @Test("what waits for its turn is no more than a read brought, however long it goes on")
    func heldInput() async throws {
        let server = try TestServer()
        let peer = try RawPeer.open(server.address)
        // The pongs are not read: only the latest of them waits.
        let flood = (0..<100_000).flatMap { _ in frame(0x89, []) }
        var sent = 0
        for _ in 0..<60 {
            sent += peer.sendWhatFits(flood)
            let lent = await server.inspect { $0.loop.state.buffers.lentByteCount }
            guard lent.first ?? .max <= 2 << 20 else {
                Issue.record("\(lent) bytes are held")
                break
            }
        }
        #expect(sent > flood.count)
        peer.close()
        await server.stop()
    }

    @Test("a peer that ends in the middle of its flood is closed once")
    func endInFlood() async throws {
        let server = try TestServer()
        let peer = try RawPeer.open(server.address)
        _ = peer.sendWhatFits((0..<20_000).flatMap { _ in frame(0x82, [1]) })
        peer.reset()
        #expect(server.journal.waitForClosed() != nil)
        await server.stop()
        #expect(server.journal.closings.count == 1)
    }

    @Test("messages that come too often get 1008, those within the rate do not")
    func messageRate() async throws {
        let server = try TestServer(.quiet { $0.maxMessagesPerSecond = 100 })
        let peer = try RawPeer.open(server.address)
        for number in 0..<100 { try peer.send(textFrame(String(number))) }
        for number in 0..<100 { #expect(try peer.receiveFrame().text == String(number)) }
        try peer.send((0..<2000).flatMap { _ in textFrame("again") })
        var last = try peer.receiveFrame()
        while last.opcode != 8 { last = try peer.receiveFrame() }
        #expect(last.closeCode == 1008)
        #expect(server.server.metrics.connectionsFailed["message_rate"] == 1)
        peer.close()
        await server.stop()
    }

    @Test("the credit fills with time, up to a second's worth")
    func credit() {
        var credit = MessageCredit()
        #expect(credit.refill(rate: 50, now: 1) == 50)
        credit.spend(50)
        #expect(credit.refill(rate: 50, now: 1) == 0)
        #expect(credit.refill(rate: 50, now: 2) == 5)
        credit.spend(1000)
        #expect(credit.refill(rate: 50, now: 12) == 50)
        #expect(credit.refill(rate: 50, now: 100_000) == 50)
        credit.spend(.max)
        #expect(credit.refill(rate: .max, now: 100_001) >= 0)
    }
}
