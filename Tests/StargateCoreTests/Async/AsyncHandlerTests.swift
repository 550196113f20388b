import Glibc
import Testing

@testable import StargateCore

private struct Complaint: Error {}

@Suite("Asynchronous handlers, over a socket", .serialized, .ownThreads)
struct AsyncHandlerTests {
    @Test("messages are echoed in order, many to a read")
    func echo() async throws {
        let server = try AsyncTestServer { socket in
            for try await message in socket.messages { try await socket.send(message) }
        }
        let peer = try RawPeer.open(server.address)
        let count = 5000
        var bytes: [UInt8] = []
        for index in 0..<count {
            bytes += index % 3 == 0 ? frame(0x82, Array("\(index)".utf8)) : textFrame("\(index)")
        }
        try peer.send(bytes)
        for index in 0..<count {
            let echo = try peer.receiveFrame()
            #expect(echo.text == "\(index)")
            #expect(echo.opcode == (index % 3 == 0 ? 2 : 1))
        }
        try peer.send(closeFrame(1000))
        #expect(try peer.receiveFrame().closeCode == 1000)
        #expect(try peer.receiveRest().isEmpty)
        #expect(await server.handlersEnded())
        await server.server.stop()
        #expect(server.log.events.isEmpty)
    }

    @Test("messages that arrive with the handshake are not lost")
    func firstMessage() async throws {
        let server = try AsyncTestServer { socket in
            for try await message in socket.messages { try await socket.send(message) }
        }
        let peer = try RawPeer(server.address)
        try peer.send(Array(upgradeRequest("/").utf8) + textFrame("early"))
        #expect(try peer.receiveStatus().contains("101"))
        #expect(try peer.receiveFrame().text == "early")
        peer.close()
        #expect(await server.handlersEnded())
        await server.server.stop()
    }

    @Test("a handler is resumed once per read, on the loop's thread")
    func jobsAndThreads() async throws {
        let threads = Journal()
        let server = try AsyncTestServer { socket in
            threads.note("\(currentThread())")
            for try await message in socket.messages {
                threads.note("\(currentThread())")
                try await socket.send(message)
                threads.note("\(currentThread())")
            }
        }
        let loopThread = await server.inspect { _ in currentThread() }
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("first"))
        _ = try peer.receiveFrame()

        func exchange(_ batch: Int) async throws -> (jobs: UInt64, reads: UInt64) {
            let before = await server.server.counters()
            for _ in 0..<20 {
                try peer.send((0..<batch).flatMap { textFrame("message \($0)") })
                for _ in 0..<batch { _ = try peer.receiveFrame() }
            }
            let after = await server.server.counters()
            return (after.jobsRun - before.jobsRun, after.reads - before.reads)
        }
        let single = try await exchange(1)
        #expect(single.reads == 20)
        #expect(single.jobs == single.reads)
        let batched = try await exchange(100)
        // A batch may come in several reads, but a read never costs more than a job.
        #expect(batched.jobs <= batched.reads)
        #expect(batched.reads < 200)

        peer.close()
        #expect(await server.handlersEnded())
        await server.server.stop()
        let expected = HandlerEvent.note("\(try #require(loopThread))")
        #expect(threads.events.count > 4000)
        #expect(threads.events.allSatisfy { $0 == expected })
    }

    @Test("what a handler awaits brings it back to the loop's thread")
    func backOnLoop() async throws {
        actor Elsewhere { func answer() -> Int { 42 } }
        let threads = Journal()
        let server = try AsyncTestServer { socket in
            let elsewhere = Elsewhere()
            for try await message in socket.messages {
                try await Task.sleep(for: .milliseconds(1))
                threads.note("\(currentThread())")
                let detached = await Task.detached { await elsewhere.answer() }.value
                threads.note("\(currentThread())")
                await withTaskGroup { group in
                    for _ in 0..<3 { group.addTask { await elsewhere.answer() } }
                }
                threads.note("\(currentThread())")
                await Task.yield()
                threads.note("\(currentThread())")
                try await socket.send("\(detached) \(message.byteCount)")
            }
        }
        let loopThread = await server.inspect { _ in currentThread() }
        let peer = try RawPeer.open(server.address)
        for _ in 0..<20 {
            try peer.send(textFrame("hello"))
            #expect(try peer.receiveFrame().text == "42 5")
        }
        peer.close()
        #expect(await server.handlersEnded())
        await server.server.stop()
        let expected = HandlerEvent.note("\(try #require(loopThread))")
        #expect(threads.events == Array(repeating: expected, count: 80))
    }

    @Test("the bodies of what a handler calls run on the loop's thread, too")
    func scopes() async throws {
        let threads = Journal()
        let server = try AsyncTestServer { socket in
            func note() async { threads.note("\(currentThread())") }
            for try await message in socket.messages {
                try await withTaskCancellationHandler {
                    await note()
                    // A check, and no hop: this is the handler's own loop.
                    #expect(socket.isOpen)
                    try await socket.send(message)
                    await note()
                } onCancel: {
                }
                await withTaskGroup(of: Void.self) { _ in await note() }
                try await withThrowingTaskGroup(of: Void.self) { _ in
                    try await socket.send("group")
                    await note()
                }
                await withCheckedContinuation { continuation in
                    threads.note("\(currentThread())")
                    continuation.resume()
                }
            }
        }
        let loopThread = await server.inspect { _ in currentThread() }
        let peer = try RawPeer.open(server.address)
        for _ in 0..<20 {
            try peer.send(textFrame("hello"))
            #expect(try peer.receiveFrame().text == "hello")
            #expect(try peer.receiveFrame().text == "group")
        }
        peer.close()
        #expect(await server.handlersEnded())
        await server.server.stop()
        let expected = HandlerEvent.note("\(try #require(loopThread))")
        #expect(threads.events == Array(repeating: expected, count: 100))
    }

    @Test("what computes for long can be kept from the loop's thread")
    func offLoop() async throws {
        let elsewhere = Journal()
        let server = try AsyncTestServer { socket in
            for try await message in socket.messages {
                await withTaskExecutorPreference(globalConcurrentExecutor) {
                    elsewhere.note("\(currentThread())")
                }
                await Task.detached { elsewhere.note("\(currentThread())") }.value
                try await socket.send(message)
            }
        }
        let loopThread = await server.inspect { _ in currentThread() }
        let peer = try RawPeer.open(server.address)
        for _ in 0..<20 {
            try peer.send(textFrame("compute"))
            #expect(try peer.receiveFrame().text == "compute")
        }
        peer.close()
        #expect(await server.handlersEnded())
        await server.server.stop()
        #expect(elsewhere.events.count == 40)
        #expect(!elsewhere.events.contains(.note("\(try #require(loopThread))")))
    }

    @Test("a handler that prefers another executor uses the socket from there, and comes back")
    func otherPreference() async throws {
        let threads = Journal()
        let elsewhere = Journal()
        let server = try AsyncTestServer { socket in
            for try await message in socket.messages {
                try await withTaskExecutorPreference(globalConcurrentExecutor) {
                    elsewhere.note("\(currentThread())")
                    try await socket.send(message)
                    elsewhere.note("\(currentThread())")
                    var rest = socket.messages.makeAsyncIterator()
                    let second = try await rest.next()
                    #expect(second == .text("2"))
                }
                threads.note("\(currentThread())")
            }
        }
        let loopThread = await server.inspect { _ in currentThread() }
        let peer = try RawPeer.open(server.address)
        for _ in 0..<20 {
            try peer.send(textFrame("1"))
            #expect(try peer.receiveFrame().text == "1")
            try peer.send(textFrame("2"))
        }
        peer.close()
        #expect(await server.handlersEnded())
        await server.server.stop()
        let expected = HandlerEvent.note("\(try #require(loopThread))")
        #expect(threads.events == Array(repeating: expected, count: 20))
        #expect(elsewhere.events.count == 40)
        #expect(!elsewhere.events.contains(expected))
    }

    @Test("a handler that returns closes with 1000")
    func returning() async throws {
        let server = try AsyncTestServer { socket in try await socket.send("bye") }
        let peer = try RawPeer.open(server.address)
        #expect(try peer.receiveFrame().text == "bye")
        #expect(try peer.receiveFrame().closeCode == 1000)
        try peer.send(closeFrame(1000))
        #expect(try peer.receiveRest().isEmpty)
        #expect(await server.activeHandlerCount() == 0)
        await server.server.stop()
        #expect(server.log.events.isEmpty)
    }

    @Test("THREATS 111: a handler that throws closes with 1011, and that is logged once")
    func throwing() async throws {
        let server = try AsyncTestServer { socket in
            for try await _ in socket.messages { throw Complaint() }
        }
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("one") + textFrame("two"))
        let close = try peer.receiveFrame()
        #expect(close.closeCode == 1011)
        // Nothing of the error is the peer's business.
        #expect(close.payload.count == 2)
        try peer.send(textFrame("too late") + closeFrame(1011))
        #expect(try peer.receiveRest().isEmpty)
        await server.server.stop()
        #expect(server.log.events.count == 1)
        #expect(server.log.events.first.map { "\($0)".contains("Complaint") } == true)
    }

    @Test("a handler that closes with a code of its own is not overruled")
    func ownCode() async throws {
        let server = try AsyncTestServer { socket in
            socket.close(CloseCode(rawValue: 4001), reason: "enough")
        }
        let peer = try RawPeer.open(server.address)
        let close = try peer.receiveFrame()
        #expect(close.closeCode == 4001)
        #expect(close.payload.dropFirst(2).elementsEqual("enough".utf8))
        try peer.send(closeFrame(4001))
        #expect(try peer.receiveRest().isEmpty)
        await server.server.stop()
    }

    @Test(
        "messages end when the peer says goodbye",
        arguments: [closeFrame(1000), closeFrame(1001, "leaving"), frame(0x88)]
    )
    func goodbye(close: [UInt8]) async throws {
        let journal = Journal()
        let server = try AsyncTestServer { socket in
            for try await message in socket.messages { journal.note("\(message)") }
            journal.note("end \(socket.end?.code.rawValue ?? 0) \(socket.isOpen)")
            do {
                try await socket.send("late")
            } catch let error as WebSocketClosed {
                journal.note("send \(error.code)")
            }
        }
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("last") + close)
        #expect(try peer.receiveFrame().opcode == 8)
        #expect(await server.handlersEnded())
        let code = close.count > 6 ? (close[7] ^ 2 == 0xE8 ? 1000 : 1001) : 1005
        #expect(
            journal.events == [
                .note("text(\"last\")"), .note("end \(code) false"), .note("send \(code)"),
            ]
        )
        peer.close()
        await server.server.stop()
        #expect(server.log.events.isEmpty)
    }

    @Test(
        "messages throw when the connection is lost, after what had arrived",
        arguments: ["reset", "end of stream", "violation", "application code"]
    )
    func loss(way: String) async throws {
        let journal = Journal()
        let server = try AsyncTestServer { socket in
            do {
                for try await message in socket.messages { journal.note("\(message)") }
                journal.note("end")
            } catch let error as WebSocketClosed {
                journal.note("\(error.code) \(error.reason)")
                #expect(socket.end == error)
                throw error
            }
        }
        let peer = try RawPeer.open(server.address)
        try peer.send(textFrame("last"))
        #expect(journal.wait(for: .note("text(\"last\")")))
        let expected =
            switch way {
            case "reset": "1006 "
            case "end of stream": "1006 "
            case "violation": "1002"
            default: "4000 why"
            }
        switch way {
        case "reset": peer.reset()
        case "end of stream": peer.close()
        case "violation": try peer.send(frame(0x83))
        default: try peer.send(closeFrame(4000, "why"))
        }
        #expect(journal.wait { $0.count == 2 })
        #expect(
            journal.events.last.map { event in
                if case .note(let text) = event { text.hasPrefix(expected) } else { false }
            } == true
        )
        peer.close()
        #expect(await server.handlersEnded())
        await server.server.stop()
        // The peer's fault is not the handler's.
        #expect(server.log.events.isEmpty)
    }
}
