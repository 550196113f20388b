import Testing

@testable import StargateCore

/// A session of bytes that breaks the protocol, and the code that it ends with.
struct Violation: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    var code: UInt16
    /// The texts that are delivered, and echoed, before.
    var delivered: [String] = []

    init(_ name: String, _ bytes: [UInt8], _ code: UInt16, delivered: [String] = []) {
        testDescription = name
        self.bytes = bytes
        self.code = code
        self.delivered = delivered
    }
}

@Suite("Violations, over a socket", .serialized)
struct ViolationTests {
    static let limit = 1000
    private static let hello = textFrame("hello")
    private static let start = frame(0x01, [0x61])

    static let framing: [Violation] =
        [
            Violation("an unmasked text", frame(0x81, [0x61], key: nil), 1002),
            Violation("an unmasked ping", frame(0x89, [], key: nil), 1002),
            Violation("an unmasked close", frame(0x88, [3, 0xE8], key: nil), 1002),
            Violation(
                "a good text and an unmasked one",
                hello + frame(0x81, [0x61], key: nil),
                1002,
                delivered: ["hello"]
            ),
            Violation("RSV1 without an extension", frame(0xC1, [0x61]), 1002),
            Violation("RSV2", frame(0xA1, [0x61]), 1002),
            Violation("RSV3", frame(0x91, [0x61]), 1002),
            Violation("RSV1 on a ping", frame(0xC9), 1002),
            Violation("RSV1 on a continuation", start + frame(0xC0, [0x61]), 1002),
            Violation("a long ping", frame(0x89, [UInt8](repeating: 1, count: 126)), 1002),
            Violation("a long close", frame(0x88, [UInt8](repeating: 1, count: 126)), 1002),
            Violation("a fragmented ping", frame(0x09), 1002),
            Violation("a fragmented close", frame(0x08), 1002),
            Violation(
                "a length of 5 in 16 bits",
                frame(0x81, [1, 2, 3, 4, 5], lengthByteCount: 2),
                1002
            ),
            Violation(
                "a length of 5 in 64 bits",
                frame(0x81, [1, 2, 3, 4, 5], lengthByteCount: 8),
                1002
            ),
            Violation(
                "a length of 200 in 64 bits",
                frame(0x81, [UInt8](repeating: 0x61, count: 200), lengthByteCount: 8),
                1002
            ),
            Violation("a length of 2^63", frame(0x82, announced: 1 << 63), 1002),
            Violation("a length of 2^64 - 1", frame(0x82, announced: .max), 1002),
            Violation("a length of 2^63 - 1", frame(0x82, announced: (1 << 63) - 1), 1009),
            Violation("a length of 2^62", frame(0x82, announced: 1 << 62), 1009),
            Violation("a length of 2^40", frame(0x82, announced: 1 << 40), 1009),
            Violation(
                "2 GiB announced, little sent",
                frame(0x82, [1, 2, 3], announced: 1 << 31),
                1009
            ),
            Violation("one byte over the limit", frame(0x82, announced: UInt64(limit + 1)), 1009),
            Violation(
                "fragments over the limit",
                frame(0x02, [UInt8](repeating: 1, count: limit)) + frame(0x80, [1]),
                1009
            ),
            Violation(
                "fragments whose sum overflows",
                frame(0x02, [1]) + frame(0x80, announced: (1 << 63) - 1),
                1009
            ),
            Violation("a continuation without a start", frame(0x80, [0x61]), 1002),
            Violation(
                "a continuation after a whole message",
                hello + frame(0x80, [0x61]),
                1002,
                delivered: ["hello"]
            ),
            Violation("a text within a message", start + frame(0x81, [0x61]), 1002),
            Violation("a binary within a message", start + frame(0x82, [0x61]), 1002),
            Violation(
                "too many fragments",
                frame(0x02) + Array(repeating: frame(0x00), count: 50).flatMap { $0 },
                1008
            ),
            Violation(
                "an HTTP request where frames are expected",
                Array(upgradeRequest().utf8),
                1002
            ),
        ] + [UInt8](3...7).map { Violation("opcode \($0)", frame(0x80 | $0), 1002) }
        + [UInt8](11...15).map { Violation("opcode \($0)", frame(0x80 | $0), 1002) }

    static let text: [Violation] =
        [
            ("a lone continuation byte", [0x80]), ("overlong slash", [0xC0, 0xAF]),
            ("overlong NUL", [0xE0, 0x80, 0x80]), ("a surrogate", [0xED, 0xA0, 0x80]),
            ("beyond U+10FFFF", [0xF4, 0x90, 0x80, 0x80]), ("a byte that is never valid", [0xFF]),
            ("an unfinished character", [0xE2, 0x98]),
            ("five bytes", [0xF8, 0x88, 0x80, 0x80, 0x80]),
        ].map { Violation($0.0, frame(0x81, Array("κό".utf8) + $0.1), 1007) } + [
            Violation(
                "a character split over two messages",
                frame(0x81, [0xE2]) + frame(0x81, [0x98, 0x83]),
                1007
            ),
            Violation(
                "bad text in a fragment, with more to come",
                frame(0x01, [0x61, 0x80]),
                1007
            ),
            Violation(
                "bad text in a frame that is half sent",
                Array(frame(0x81, [UInt8](repeating: 0x80, count: 200)).prefix(20)),
                1007
            ),
            Violation(
                "an unfinished character at the end of the fragments",
                frame(0x01, [0x61]) + frame(0x80, [0xE2, 0x98]),
                1007
            ),
        ]

    static let closing: [Violation] =
        [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map {
            Violation("close with \($0)", closeFrame($0), 1002)
        } + [
            Violation("close with one byte", frame(0x88, [3]), 1002),
            Violation(
                "close with a reason that is not UTF-8",
                frame(0x88, [0x03, 0xE8, 0xCE, 0xBA, 0xE1]),
                1007
            ),
        ]

    static let segments = [Int.max, 1, 7]

    @Test(
        "fail the connection with the right code, whatever the segments",
        arguments: framing + text + closing
    )
    func violation(_ violation: Violation) async throws {
        let configuration = Server.Configuration.quiet {
            $0.maxMessageSize = Self.limit
            $0.maxFragmentCount = 50
        }
        let server = try TestServer(configuration)
        for (index, segment) in Self.segments.enumerated() {
            let peer = try RawPeer.open(server.address)
            try peer.sendAsFarAsTaken(violation.bytes, segment: segment)
            for text in violation.delivered {
                #expect(try peer.receiveFrame() == RawFrame(first: 0x81, payload: Array(text.utf8)))
            }
            let last = try peer.receiveFrame()
            #expect(last.first == 0x88)
            #expect(last.closeCode == violation.code)
            #expect(last.payload.count <= 125)
            #expect(try peer.receiveRest().isEmpty)
            peer.close()
            #expect(server.journal.wait { $0.filter(\.isClosed).count == index + 1 })
        }
        await server.stop()
        let events = server.journal.events
        #expect(events.count == Self.segments.count * (2 + violation.delivered.count))
        for event in server.journal.closings {
            guard case .closed(let code, _) = event else { continue }
            #expect(code == violation.code)
        }
    }

    @Test(
        "a valid close code is sent back, and the server ends the stream first",
        arguments: [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999,
            4000, 4999,
        ] as [UInt16]
    )
    func validClose(code: UInt16) async throws {
        let server = try TestServer()
        let peer = try RawPeer.open(server.address)
        // What follows a Close frame is not looked at, not even to be refused.
        try peer.send(closeFrame(code, "bye ☃") + textFrame("late") + frame(0xFF))
        let answer = try peer.receiveFrame()
        #expect(answer.first == 0x88 && answer.closeCode == code)
        #expect(answer.maskingKey == nil)
        #expect(try peer.receiveRest().isEmpty)
        peer.close()
        #expect(server.journal.waitForClosed() == .closed(code, "bye ☃"))
        await server.stop()
        #expect(server.journal.events == [.opened, .closed(code, "bye ☃")])
    }

    @Test("a Close frame without a code is answered without one")
    func closeWithoutCode() async throws {
        let server = try TestServer()
        let peer = try RawPeer.open(server.address)
        try peer.send(frame(0x88))
        #expect(try peer.receiveFrame() == RawFrame(first: 0x88, payload: []))
        #expect(try peer.receiveRest().isEmpty)
        await server.stop()
        #expect(server.journal.events == [.opened, .closed(1005, "")])
    }
}

extension RawPeer {
    /// Sends in segments, and stops when the other side is gone.
    func sendAsFarAsTaken(_ bytes: [UInt8], segment: Int) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            do { try send(Array(rest.prefix(segment))) } catch { return }
            rest = rest.dropFirst(segment)
        }
    }
}
