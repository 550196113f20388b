import Testing

@testable import StargateCore

@Suite("Chunked bodies")
struct ChunkedBodyTests {
    /// What became of bytes that were given in pieces.
    private enum Outcome: Equatable {
        case body(String, used: Int)
        case failed(BodyFault, used: Int)
        case incomplete(String)
    }

    private func decode(_ pieces: [ArraySlice<UInt8>], limit: Int = 1 << 20) -> Outcome {
        var chunked = ChunkedBody()
        var body: [UInt8] = []
        var offset = 0
        for piece in pieces {
            let progress = piece.withUnsafeBytes {
                chunked.receive($0, limit: limit, into: &body)
            }
            switch progress {
            case .incomplete: offset += piece.count
            case .complete(let used):
                return .body(String(decoding: body, as: UTF8.self), used: offset + used)
            case .failed(let fault): return .failed(fault, used: 0)
            }
        }
        return .incomplete(String(decoding: body, as: UTF8.self))
    }

    private func decode(_ text: String, limit: Int = 1 << 20) -> Outcome {
        decode([Array(text.utf8)[...]], limit: limit)
    }

    struct Sample: Sendable, CustomTestStringConvertible {
        var wire: String
        var body: String
        var testDescription: String { wire.debugDescription }
    }

    static let samples: [Sample] = [
        Sample(wire: "0\r\n\r\n", body: ""),
        Sample(wire: "5\r\nhello\r\n0\r\n\r\n", body: "hello"),
        Sample(wire: "1\r\na\r\n2\r\nbc\r\n00\r\n\r\n", body: "abc"),
        Sample(wire: "A\r\n0123456789\r\n0\r\n\r\n", body: "0123456789"),
        Sample(wire: "000b\r\nhello\r\nabcd\r\n0\r\n\r\n", body: "hello\r\nabcd"),
        Sample(wire: "5;name=value;\"quoted\"\r\nhello\r\n0;last\r\n\r\n", body: "hello"),
        Sample(wire: "5\r\nhello\r\n0\r\nA: b\r\nC:\td\r\n\r\n", body: "hello"),
    ]

    @Test("give the same body wherever they are cut in two", arguments: samples)
    func everySplit(_ sample: Sample) {
        let tail = "GET /"
        let bytes = Array((sample.wire + tail).utf8)
        for cut in 0...bytes.count {
            let outcome = decode([bytes[..<cut], bytes[cut...]])
            #expect(outcome == .body(sample.body, used: sample.wire.utf8.count), "cut at \(cut)")
        }
    }

    @Test("give the same body byte by byte", arguments: samples)
    func byteByByte(_ sample: Sample) {
        let bytes = Array(sample.wire.utf8)
        let outcome = decode(bytes.indices.map { bytes[$0...$0] })
        #expect(outcome == .body(sample.body, used: bytes.count))
    }

    @Test("are incomplete until their last byte", arguments: samples)
    func prefixes(_ sample: Sample) {
        let bytes = Array(sample.wire.utf8)
        for end in 0..<bytes.count {
            guard case .incomplete = decode([bytes[..<end]]) else {
                Issue.record("complete or failed after \(end) bytes")
                continue
            }
        }
    }

    static let malformed = [
        "\r\n", "g\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n", "+5\r\nhello",
        "-1\r\n", "0x5\r\nhello", "5\nhello\n0\n\n", "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n", "5\rhello", ";x\r\n", "5;a\u{0}b\r\n", "5;a\nb\r\n",
        "0\r\n folded\r\n\r\n", "0\r\n\n", "0\r\nA: b\n\r\n", "0\r\nA: \u{1}\r\n\r\n", "0\r\n\rX",
        "0\r\n: b\r\n\r\n", "00000000000000000\r\n\r\n",
    ]

    @Test("are refused when they break the coding, wherever they are cut", arguments: malformed)
    func refused(_ wire: String) {
        let bytes = Array(wire.utf8)
        for cut in 0...bytes.count {
            let outcome = decode([bytes[..<cut], bytes[cut...]])
            #expect(outcome == .failed(.malformed, used: 0), "cut at \(cut)")
        }
    }

    @Test("are refused at the first digit that passes the limit")
    func tooLarge() {
        #expect(decode("5\r\nhello\r\n0\r\n\r\n", limit: 5) == .body("hello", used: 15))
        #expect(decode("5", limit: 4) == .failed(.tooLarge, used: 0))
        #expect(decode("5\r\nhello\r\n1", limit: 5) == .failed(.tooLarge, used: 0))
        #expect(decode("5\r\nhello\r\n0\r\n\r\n", limit: 0) == .failed(.tooLarge, used: 0))
        #expect(decode("ffffffffffffffff") == .failed(.tooLarge, used: 0))
        #expect(decode("7fffffffffffffff", limit: .max) == .incomplete(""))
        #expect(decode("8000000000000000", limit: .max) == .failed(.tooLarge, used: 0))
        #expect(decode("0\r\n\r\n", limit: 0) == .body("", used: 5))
    }

    @Test("have extensions and trailers within limits, over all chunks")
    func overhead() {
        let most = String(repeating: "e", count: ChunkedBody.overheadMax)
        #expect(decode("1;\(most)\r\na\r\n0\r\n\r\n") == .body("a", used: most.utf8.count + 12))
        #expect(decode("1;\(most)e") == .failed(.malformed, used: 0))
        #expect(decode("1;\(most)\r\na\r\n0;f") == .failed(.malformed, used: 0))
        #expect(decode("0\r\n\(most)\r\n\r\n") == .body("", used: most.utf8.count + 7))
        #expect(decode("0\r\n\(most)\r\nx") == .failed(.malformed, used: 0))
    }

    @Test("of random bytes end in a value")
    func anyBytes() {
        var generator = SeededGenerator(state: 7112)
        let alphabet = Array("0123456789abcdef;\r\n\r\nx: ".utf8)
        for _ in 0..<5000 {
            let count = Int.random(in: 0...40, using: &generator)
            let bytes = (0..<count).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            let whole = decode([bytes[...]], limit: 64)
            let cut = Int.random(in: 0...count, using: &generator)
            #expect(decode([bytes[..<cut], bytes[cut...]], limit: 64) == whole)
        }
    }
}

@Suite("Bodies of requests")
struct BodyReceiverTests {
    private func receive(_ receiver: inout BodyReceiver, _ text: String) throws -> Int {
        try Array(text.utf8).withUnsafeBytes { try receiver.receive($0) }
    }

    @Test("end after their length, and take no byte more")
    func length() throws {
        var receiver = try BodyReceiver(.length(5), limit: 5)
        #expect(!receiver.isComplete)
        #expect(try receive(&receiver, "") == 0)
        #expect(try receive(&receiver, "he") == 2)
        #expect(!receiver.isComplete)
        #expect(try receive(&receiver, "lloGET") == 3)
        #expect(receiver.isComplete && receiver.bytes == Array("hello".utf8))
    }

    @Test("are complete at once when there is none")
    func none() throws {
        for framing in [BodyFraming.none, .length(0)] {
            let receiver = try BodyReceiver(framing, limit: 0)
            #expect(receiver.isComplete && receiver.bytes.isEmpty)
        }
        let chunked = try BodyReceiver(.chunked, limit: 0)
        #expect(!chunked.isComplete)
    }

    @Test("are refused by their announcement")
    func refused() throws {
        let tooLarge = #expect(throws: HTTPRefusal.self) { try BodyReceiver(.length(6), limit: 5) }
        #expect(tooLarge?.status == .contentTooLarge)
        let invalid = #expect(throws: HTTPRefusal.self) { try BodyReceiver(.invalid, limit: 5) }
        #expect(invalid?.status == .badRequest)
    }

    @Test("have their chunks put together")
    func chunked() throws {
        var receiver = try BodyReceiver(.chunked, limit: 100)
        #expect(try receive(&receiver, "5\r\nhel") == 6)
        #expect(try receive(&receiver, "lo\r\n0\r\n\r\nGET") == 9)
        #expect(receiver.isComplete && receiver.bytes == Array("hello".utf8))
        var other = try BodyReceiver(.chunked, limit: 3)
        let refusal = #expect(throws: HTTPRefusal.self) { _ = try receive(&other, "4") }
        #expect(refusal?.status == .contentTooLarge)
    }
}
