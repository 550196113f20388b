import Testing

@testable import StargateCore

@Suite("Hixie frames, received")
struct HixieScannerTests {
    /// What a connection makes of the events: whole texts, and how it ended.
    enum Outcome: Equatable {
        case text([UInt8])
        case close
        case violation(HixieViolation)
    }

    struct Vector: CustomTestStringConvertible {
        var bytes: [UInt8]
        var version: ProtocolVersion = .hixie76
        var maxMessageSize = 1000
        var outcomes: [Outcome]
        var testDescription: String { "\(version) \(bytes.prefix(12))" }
    }

    static let hello: [UInt8] = [0x00, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0xFF]
    static let helloText = Outcome.text(Array("Hello".utf8))

    static let vectors: [Vector] = [
        Vector(bytes: [], outcomes: []),
        Vector(bytes: hello, outcomes: [helloText]),
        Vector(bytes: hello, version: .hixie75, outcomes: [helloText]),
        Vector(bytes: [0x00, 0xFF], outcomes: [.text([])]),
        Vector(bytes: [0x00, 0xFF, 0x00, 0xFF], outcomes: [.text([]), .text([])]),
        Vector(
            bytes: [0x00, 0xC3, 0xA9, 0xE2, 0x98, 0x83, 0xFF],
            outcomes: [.text(Array("é☃".utf8))]
        ),
        Vector(
            bytes: [0x00] + Array(0x00...0xFE) + [0xFF],
            outcomes: [.text(Array(0x00...0xFE))]
        ),
        Vector(
            bytes: [0x00] + [UInt8](repeating: 0x80, count: 900) + [0xFF],
            outcomes: [.text([UInt8](repeating: 0x80, count: 900))]
        ),
        // Types 01 to 7F end at FF, like text, and are thrown away.
        Vector(bytes: [0x01, 0xFF] + hello, outcomes: [helloText]),
        Vector(bytes: [0x7F, 0x00, 0x41, 0x80, 0xFE, 0xFF] + hello, outcomes: [helloText]),
        // Types 80 to FE, and FF with a length, are skipped by their length.
        Vector(bytes: [0x80, 0x00] + hello, outcomes: [helloText]),
        Vector(bytes: [0xFE, 0x05, 0xFF, 0x00, 0x00, 0xFF, 0x00] + hello, outcomes: [helloText]),
        Vector(
            bytes: [0xFE, 0x81, 0x02] + [UInt8](repeating: 0xFF, count: 130) + hello,
            outcomes: [helloText]
        ),
        Vector(bytes: [0xFF, 0x01, 0x00] + hello, outcomes: [helloText]),
        Vector(
            bytes: [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0xFF],
            outcomes: [
                .violation(.lengthPrefixTooLong)
            ]
        ),
        Vector(
            bytes: [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
            outcomes: [
                .violation(.lengthPrefixTooLong)
            ]
        ),
        Vector(
            bytes: [0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
            outcomes: [.violation(.lengthPrefixTooLong)]
        ),
        Vector(
            bytes: [0x80, 0x80, 0x80, 0x80, 0x80, 0x02, 0xFF, 0xFF] + hello,
            outcomes: [helloText]
        ),
        Vector(bytes: [0xFE, 0xFF, 0xFF, 0xFF], outcomes: [.violation(.frameTooBig)]),
        // The Close frame of hixie-76, in its short and in a roundabout form; what follows is void.
        Vector(bytes: [0xFF, 0x00], outcomes: [.close]),
        Vector(bytes: [0xFF, 0x80, 0x00], outcomes: [.close]),
        Vector(bytes: hello + [0xFF, 0x00] + hello, outcomes: [helloText, .close]),
        Vector(
            bytes: [0xFF, 0x00, 0xFF, 0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
            outcomes: [.close]
        ),
        // Hixie-75 knows no Close frame.
        Vector(bytes: [0xFF, 0x00] + hello, version: .hixie75, outcomes: [helloText]),
        Vector(bytes: [0xFF, 0x80, 0x00] + hello, version: .hixie75, outcomes: [helloText]),
        // Unfinished frames are no events at all.
        Vector(bytes: [0x05, 0x41], outcomes: []),
        Vector(bytes: [0x80], outcomes: []),
        Vector(bytes: [0x80, 0x81], outcomes: []),
        Vector(bytes: [0x80, 0x05, 0x00], outcomes: []),
    ]

    @Test("every vector, whole, split in two everywhere, and byte by byte", arguments: vectors)
    func vectorsAtEverySplit(vector: Vector) {
        #expect(scan(vector, [vector.bytes]) == vector.outcomes)
        for split in 0...vector.bytes.count {
            let pieces = [Array(vector.bytes[..<split]), Array(vector.bytes[split...])]
            #expect(scan(vector, pieces) == vector.outcomes, "split at \(split)")
        }
        #expect(scan(vector, vector.bytes.map { [$0] }) == vector.outcomes)
    }

    @Test("a stream of all kinds of frames, split in three everywhere")
    func streamInThree() {
        var bytes = Self.hello + [0x33, 0x41, 0xFF, 0x00, 0xFF, 0x90, 0x03, 0x00, 0xFF, 0x00]
        bytes += Self.hello + [0xFF, 0x02, 0xFF, 0x00] + Self.hello + [0xFF, 0x00, 0x00, 0x41]
        let vector = Vector(bytes: bytes, outcomes: [])
        let expected: [Outcome] = [
            Self.helloText, .text([]), Self.helloText, Self.helloText, .close,
        ]
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [bytes[..<first], bytes[first..<second], bytes[second...]]
                #expect(scan(vector, pieces.map { Array($0) }) == expected)
            }
        }
    }

    @Test(
        "a length prefix without end is refused at its fifth byte",
        arguments: [
            UInt8(0x80), 0xC3, 0xFE, 0xFF,
        ]
    )
    func endlessLength(type: UInt8) {
        var scanner = HixieScanner(version: .hixie76, maxMessageSize: .max)
        for group: UInt8 in [0x80, 0xFF] {
            scanner = HixieScanner(version: .hixie76, maxMessageSize: .max)
            #expect(events(&scanner, [type]) == [.needMore])
            for _ in 1...4 { #expect(events(&scanner, [group]) == [.needMore]) }
            #expect(events(&scanner, [group]) == [.violation(.lengthPrefixTooLong)])
            #expect(events(&scanner, [group]) == [.violation(.lengthPrefixTooLong)])
            #expect(events(&scanner, []) == [.violation(.lengthPrefixTooLong)])
        }
    }

    @Test("five groups are followed, however large the number")
    func fiveGroups() {
        var scanner = HixieScanner(version: .hixie76, maxMessageSize: .max)
        #expect(events(&scanner, [0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x00]) == [.needMore])
        #expect(!scanner.isBetweenFrames)
    }

    @Test(
        "a skipped frame may be as long as a message and not a byte longer",
        arguments: [
            0, 1, 127, 128, 129, 16_383, 16_384,
        ]
    )
    func skipLimit(limit: Int) {
        var allowed = HixieScanner(version: .hixie76, maxMessageSize: limit)
        let body = [UInt8](repeating: 0xFF, count: limit)
        #expect(
            events(&allowed, [0x80] + groups(limit) + body + Self.hello)
                == [
                    .text(
                        (1 + groups(limit).count + limit + 1)..<(1 + groups(limit).count + limit + 6),
                        isEndOfFrame: true
                    ), .needMore,
                ]
        )
        var refused = HixieScanner(version: .hixie76, maxMessageSize: limit)
        #expect(
            events(&refused, [0x80] + groups(limit + 1)) == [.violation(.frameTooBig)]
        )
        #expect(!refused.isBetweenFrames)
    }

    @Test("a frame that is discarded up to FF has the same limit", arguments: [0, 1, 7, 8, 9, 100])
    func discardLimit(limit: Int) {
        for pieceSize in [1, 3, 200] {
            let body = [UInt8](repeating: 0x41, count: limit)
            var allowed = HixieScanner(version: .hixie75, maxMessageSize: limit)
            #expect(
                run(&allowed, [0x22] + body + [0xFF] + Self.hello, pieceSize) == [Self.helloText]
            )
            var refused = HixieScanner(version: .hixie75, maxMessageSize: limit)
            #expect(
                run(&refused, [0x22] + body + [0x41], pieceSize) == [.violation(.frameTooBig)]
            )
        }
    }

    @Test("the count of an unfinished text is there for the caller to judge")
    func textCount() {
        var scanner = HixieScanner(version: .hixie76, maxMessageSize: 4)
        #expect(events(&scanner, [0x00]) == [.needMore])
        #expect(scanner.textByteCount == 0)
        #expect(events(&scanner, [0x41, 0x42]) == [.text(0..<2, isEndOfFrame: false), .needMore])
        #expect(scanner.textByteCount == 2)
        #expect(
            events(&scanner, [0x43, 0x44, 0x45]) == [.text(0..<3, isEndOfFrame: false), .needMore]
        )
        #expect(scanner.textByteCount == 5)
        #expect(!scanner.isBetweenFrames)
        #expect(events(&scanner, [0xFF]) == [.text(0..<0, isEndOfFrame: true), .needMore])
        #expect(scanner.textByteCount == 5)
        #expect(scanner.isBetweenFrames)
        #expect(events(&scanner, [0x00, 0x41]) == [.text(1..<2, isEndOfFrame: false), .needMore])
        #expect(scanner.textByteCount == 1)
    }

    @Test("FF is found at every distance, among bytes that resemble it")
    func sentinelSearch() {
        for filler: UInt8 in [0x00, 0x01, 0x7F, 0x80, 0xFE] {
            for count in 0...150 {
                let bytes = [0x00] + [UInt8](repeating: filler, count: count) + [0xFF, 0xFF, 0x01]
                var scanner = HixieScanner(version: .hixie76, maxMessageSize: 1000)
                let text = HixieEvent.text(1..<(1 + count), isEndOfFrame: true)
                #expect(events(&scanner, bytes).first == text)
            }
        }
    }

    @Test("random bytes never trap, and their pieces give what the whole gives", arguments: 0..<60)
    func randomBytes(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let alphabet: [UInt8] = [0x00, 0x00, 0xFF, 0xFF, 0x80, 0x81, 0x01, 0x05, 0x41, 0x7F, 0xFE]
        for version in [ProtocolVersion.hixie75, .hixie76] {
            let bytes = (0..<random(400)).map { _ in alphabet[random(alphabet.count)] }
            let vector = Vector(bytes: bytes, version: version, maxMessageSize: 20, outcomes: [])
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                pieces.append(Array(rest.prefix(1 + random(20))))
                rest = rest.dropFirst(pieces[pieces.count - 1].count)
            }
            #expect(scan(vector, pieces) == scan(vector, [bytes]))
        }
    }
}

extension HixieScannerTests {
    /// All events of one chunk, with the one that ends it.
    private func events(_ scanner: inout HixieScanner, _ bytes: [UInt8]) -> [HixieEvent] {
        var result: [HixieEvent] = []
        bytes.withUnsafeBytes { buffer in
            var cursor = 0
            while true {
                let event = scanner.next(buffer, from: &cursor)
                result.append(event)
                if case .violation = event { return }
                if event == .needMore {
                    #expect(cursor == buffer.count)
                    return
                }
            }
        }
        return result
    }

    private func run(
        _ scanner: inout HixieScanner,
        _ bytes: [UInt8],
        _ pieceSize: Int
    ) -> [Outcome] {
        var pieces: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: pieceSize) {
            pieces.append(Array(bytes[start..<min(start + pieceSize, bytes.count)]))
        }
        return run(&scanner, pieces)
    }

    private func scan(_ vector: Vector, _ pieces: [[UInt8]]) -> [Outcome] {
        var scanner = HixieScanner(version: vector.version, maxMessageSize: vector.maxMessageSize)
        return run(&scanner, pieces)
    }

    private func run(_ scanner: inout HixieScanner, _ pieces: [[UInt8]]) -> [Outcome] {
        var outcomes: [Outcome] = []
        var text: [UInt8] = []
        for piece in pieces {
            for event in events(&scanner, piece) {
                switch event {
                case .needMore: break
                case .text(let range, let isEndOfFrame):
                    text += piece[range]
                    #expect(isEndOfFrame || !range.isEmpty)
                    guard isEndOfFrame else { continue }
                    outcomes.append(.text(text))
                    text = []
                case .closeFrame: outcomes.append(.close)
                case .violation(let violation): return outcomes + [.violation(violation)]
                }
            }
        }
        return outcomes
    }

    /// `value` as groups of seven bits, the most significant first.
    private func groups(_ value: Int) -> [UInt8] {
        var result = [UInt8(value & 0x7F)]
        var rest = value >> 7
        while rest > 0 {
            result.insert(UInt8(rest & 0x7F) | 0x80, at: 0)
            rest >>= 7
        }
        return result
    }
}
