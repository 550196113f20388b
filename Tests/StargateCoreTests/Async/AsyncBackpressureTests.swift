import Glibc
import Testing

@testable import StargateCore

@Suite("Backpressure of asynchronous handlers", .serialized, .ownThreads)
struct AsyncBackpressureTests {
    @Test(
        "a peer is not read from while the handler lags, and then nothing is missing",
        arguments: [
            ReceiveCredit(messageCount: 4), ReceiveCredit(byteCount: 8 << 10), ReceiveCredit(),
        ]
    )
    func lagging(credit: ReceiveCredit) async throws {
        let gate = Journal()
        let journal = Journal()
        let server = try AsyncTestServer(credit: credit) { socket in
            var next = 0
            for try await message in socket.messages {
                if next == 0 {
                    journal.note("first")
                    await withCheckedContinuation { continuation in
                        onThread {
                            gate.wait(for: .note("go"))
                            continuation.resume()
                        }
                    }
                }
                guard case .binary(let bytes) = message,
                    bytes.count == 1024, bytes.first == UInt8(truncatingIfNeeded: next),
                    bytes.last == bytes.first
                else { return journal.note("message \(next) is wrong") }
                next += 1
                if next == 20_000 { journal.note("all") }
            }
        }
        let peer = try RawPeer.open(server.address)
        var bytes: [UInt8] = []
        for index in 0..<20_000 {
            // A masked frame of 1,024 bytes, with the key 0.
            bytes += [0x82, 0xFE, 0x04, 0x00, 0, 0, 0, 0]
            bytes += [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 1024)
        }
        // The peer sends until nothing more is taken from it.
        var sent = 0
        var refusals = 0
        while refusals < 20, sent < bytes.count {
            let count = peer.sendWhatFits(Array(bytes[sent..<min(sent + 65536, bytes.count)]))
            sent += count
            refusals = count == 0 ? refusals + 1 : 0
            if count == 0 { usleep(10_000) }
        }
        #expect(journal.wait(for: .note("first")))
        #expect(sent < bytes.count)
        let lent = await server.inspect { $0.loop.state.buffers.lentByteCount }
        // What was read before reading stopped: a read, in a buffer of the next power of two.
        #expect(try #require(lent) <= 2 << 20)
        gate.note("go")
        while sent < bytes.count {
            let end = min(sent + 65536, bytes.count)
            try peer.send(Array(bytes[sent..<end]))
            sent = end
        }
        #expect(journal.wait(for: .note("all")))
        #expect(journal.events == [.note("first"), .note("all")])
        try peer.send(closeFrame(1000))
        #expect(try peer.receiveFrame().closeCode == 1000)
        #expect(await server.handlersEnded())
        await server.server.stop()
    }

    @Test("send waits for a peer that does not read, and goes on when it does")
    func sending() async throws {
        let journal = Journal()
        let block = String(repeating: "x", count: 16 << 10)
        let server = try AsyncTestServer(
            .quiet {
                $0.outputSoftLimit = 64 << 10
                $0.outputHardLimit = 256 << 10
            }
        ) { socket in
            var most = 0
            for _ in 0..<1000 {
                try await socket.send(block)
                most = max(most, socket.bufferedAmount)
            }
            // One message above the soft limit at most, and its header.
            journal.note(most <= (64 << 10) + (16 << 10) + 14 ? "bounded" : "\(most) buffered")
        }
        let peer = try RawPeer.open(server.address, receiveBuffer: 4096)
        usleep(100_000)
        #expect(journal.events.isEmpty)
        for _ in 0..<1000 { #expect(try peer.receiveFrame().payload.count == 16 << 10) }
        #expect(try peer.receiveFrame().closeCode == 1000)
        #expect(journal.events == [.note("bounded")])
        peer.close()
        await server.server.stop()
    }

    @Test("a send that waits is told when the connection is gone, or the server stops")
    func sendEnds() async throws {
        let journal = Journal()
        let block = [UInt8](repeating: 7, count: 64 << 10)
        let server = try AsyncTestServer(
            .quiet {
                $0.outputSoftLimit = 64 << 10
                $0.outputHardLimit = 256 << 10
            }
        ) { socket in
            do {
                while true { try await socket.send(block) }
            } catch {
                journal.note("\(type(of: error))")
            }
        }
        let lost = try RawPeer.open(server.address, receiveBuffer: 4096)
        usleep(50_000)
        lost.reset()
        #expect(journal.wait(for: .note("WebSocketClosed")))
        let stopped = try RawPeer.open(server.address, receiveBuffer: 4096)
        usleep(50_000)
        await server.server.stop()
        #expect(journal.wait(for: .note("CancellationError")))
        stopped.close()
    }

    @Test("a sender that never waits lets others have their turn")
    func fairness() async throws {
        let server = try AsyncTestServer { socket in
            for try await message in socket.messages {
                guard message == .text("flood") else {
                    try await socket.send(message)
                    continue
                }
                let block = [UInt8](repeating: 7, count: 4096)
                while true { try await socket.send(block) }
            }
        }
        let reader = try RawPeer.open(server.address)
        let other = try RawPeer.open(server.address)
        try reader.send(textFrame("flood"))
        let drain = Task(executorPreference: OwnThreadExecutor.shared) {
            var total = 0
            while total < 64 << 20 {
                let count = (try? reader.receive().count) ?? 0
                if count == 0 { break }
                total += count
            }
            reader.reset()
            return total
        }
        for _ in 0..<20 {
            try other.send(textFrame("hello"))
            #expect(try other.receiveFrame().text == "hello")
        }
        #expect(await drain.value >= 64 << 20)
        other.close()
        #expect(await server.handlersEnded())
        await server.server.stop()
    }

    @Test("a message leaves in parts, and others wait for its end")
    func streaming() async throws {
        let server = try AsyncTestServer { socket in
            let sender = socket.sender
            let part = String(repeating: "ä", count: 50)
            async let other: Void = sender.send(.text("alone"))
            try await socket.withTextWriter { writer in
                for _ in 0..<100 {
                    try await writer.write(part)
                    await Task.yield()
                }
            }
            try await other
            try await socket.withBinaryWriter { _ in }
        }
        let peer = try RawPeer.open(server.address)
        var messages: [[UInt8]] = []
        var firsts: [UInt8] = []
        while messages.count < 3 {
            let frame = try peer.receiveFrame()
            if frame.opcode != 0 {
                firsts.append(frame.first)
                messages.append([])
            }
            messages[messages.count - 1] += frame.payload
            if frame.first & 0x80 != 0, messages.count == 3 { break }
        }
        let long = Array(String(repeating: "ä", count: 5000).utf8)
        #expect(messages.contains(long))
        #expect(messages.contains(Array("alone".utf8)))
        #expect(Set(firsts) == [0x01, 0x81, 0x82])
        #expect(try peer.receiveFrame().closeCode == 1000)
        peer.close()
        await server.server.stop()
    }

    @Test("a message that cannot be finished fails the connection")
    func brokenStream() async throws {
        struct Complaint: Error {}
        let server = try AsyncTestServer { socket in
            try await socket.withTextWriter { writer in
                try await writer.write("half")
                throw Complaint()
            }
        }
        let peer = try RawPeer.open(server.address)
        #expect(try peer.receiveFrame() == RawFrame(first: 0x01, payload: Array("half".utf8)))
        #expect(try peer.receiveFrame().closeCode == 1011)
        peer.close()
        await server.server.stop()
    }
}
