import Testing

@testable import StargateBenchKit

/// Plays a server by hand: messages are sent, and come back as the test likes.
private struct Exchange {
    let deck: PayloadDeck
    var verifier: EchoVerifier
    private(set) var sent: [[UInt8]] = []

    init(size: Int = 20, kind: PayloadKind = .binary, depth: Int = 8, connection: Int = 0) {
        deck = PayloadDeck(kind: kind, messageSize: size, inFlight: depth, seed: 3)
        verifier = EchoVerifier(deck: deck, connection: connection, depth: depth)
    }

    /// Sends so many messages, at moments 1000, 1001, ...
    mutating func send(_ count: Int) {
        for _ in 0..<count {
            sent.append(
                deck.withPayload(at: verifier.nextPosition) { $0.withUnsafeBytes { Array($0) } }
            )
            verifier.sent(at: UInt64(999 + sent.count))
        }
    }

    mutating func receive(_ bytes: [UInt8], isText: Bool = false) -> EchoVerdict {
        bytes.withUnsafeBytes { verifier.received(isText: isText, payload: $0.bytes) }
    }

    mutating func echo(_ message: Int, isText: Bool = false) -> EchoVerdict {
        receive(sent[message], isText: isText)
    }
}

/// The departure of a message that left when it was due.
private func at(_ moment: UInt64) -> Departure { Departure(sentAt: moment, dueAt: moment) }

@Suite struct EchoVerifierTests {
    @Test func `the ring grows with what a slow server lets pile up`() {
        var exchange = Exchange(depth: 65_536)
        exchange.send(5000)
        for message in 0..<5000 {
            #expect(exchange.echo(message) == .good(at(UInt64(1000 + message))))
        }
    }

    @Test func `what is not to be checked is not`() {
        let deck = PayloadDeck(kind: .binary, messageSize: 20, inFlight: 1, seed: 3)
        let wrong = [UInt8](repeating: 7, count: 20)
        for (mode, found) in [(CheckMode.full, 128), (.sample, 2), (.off, 0)] {
            var verifier = EchoVerifier(deck: deck, connection: 0, depth: 1, check: mode)
            var faults = 0
            for moment in 0..<128 {
                verifier.sent(at: UInt64(moment))
                let verdict = wrong.withUnsafeBytes {
                    verifier.received(isText: false, payload: $0.bytes)
                }
                if case .wrong = verdict { faults += 1 }
            }
            #expect(faults == found)
            #expect(verifier.checkedCount == UInt64(found))
            verifier.sent(at: 0)
            let short = wrong.withUnsafeBytes {
                verifier.received(isText: false, payload: $0.bytes.extracting(0..<19))
            }
            #expect(short == .wrong(.wrongLength(message: 128, expected: 20, received: 19)))
        }
    }

    @Test(arguments: [0, 1, 7, 8, 20, 1000])
    func `echoes in order are good, and know when they were sent`(size: Int) {
        var exchange = Exchange(size: size, depth: 4)
        for round in 0..<2000 {
            exchange.send(4)
            for message in 0..<4 {
                let number = round * 4 + message
                #expect(exchange.echo(number) == .good(at(UInt64(1000 + number))))
            }
            #expect(exchange.verifier.inFlight == 0)
        }
    }

    @Test(arguments: [0, 7, 8, 19])
    func `a changed byte is corruption, and the next echo is good again`(offset: Int) {
        var exchange = Exchange()
        exchange.send(3)
        #expect(exchange.echo(0) == .good(at(1000)))
        var bytes = exchange.sent[1]
        bytes[offset] ^= 1
        #expect(exchange.receive(bytes) == .wrong(.corrupt(message: 1, offset: offset)))
        #expect(exchange.echo(2) == .good(at(1002)))
    }

    @Test(arguments: [0, 1, 19, 21, 40])
    func `another length is told`(length: Int) {
        var exchange = Exchange()
        exchange.send(2)
        let bytes = Array((exchange.sent[0] + exchange.sent[0]).prefix(length))
        #expect(
            exchange.receive(bytes)
                == .wrong(.wrongLength(message: 0, expected: 20, received: length))
        )
        #expect(exchange.echo(1) == .good(at(1001)))
    }

    @Test func `text for binary is the wrong type, and so is the reverse`() {
        var exchange = Exchange()
        exchange.send(1)
        #expect(exchange.echo(0, isText: true) == .wrong(.wrongType(message: 0, isText: true)))
        #expect(exchange.verifier.inFlight == 0)
        var text = Exchange(kind: .mixed)
        text.send(1)
        #expect(text.echo(0, isText: false) == .wrong(.wrongType(message: 0, isText: false)))
    }

    @Test func `two echoes in the wrong order are one early and one reordered`() {
        var exchange = Exchange()
        exchange.send(3)
        #expect(exchange.echo(1) == .early(at(1001), overtaken: 1))
        #expect(exchange.verifier.inFlight == 2)
        #expect(exchange.echo(0) == .wrong(.reordered(message: 0)))
        #expect(exchange.echo(2) == .good(at(1002)))
        #expect(exchange.verifier.inFlight == 0)
    }

    @Test func `a dropped message is missed by the ones behind it, and given up in the end`() {
        var exchange = Exchange()
        exchange.send(4)
        #expect(exchange.echo(0) == .good(at(1000)))
        #expect(exchange.echo(3) == .early(at(1003), overtaken: 2))
        #expect(exchange.verifier.inFlight == 2)
        #expect(exchange.verifier.oldestSentAt == nil)
        #expect(exchange.verifier.giveUpOvertaken(sentBefore: 1001) == [])
        #expect(exchange.verifier.giveUpOvertaken(sentBefore: 1002) == [1])
        #expect(exchange.verifier.giveUpOvertaken(sentBefore: 2000) == [2])
        #expect(exchange.verifier.inFlight == 0)
    }

    @Test func `a repeated echo is a duplicate, with and without others in flight`() {
        var exchange = Exchange()
        exchange.send(2)
        #expect(exchange.echo(0) == .good(at(1000)))
        #expect(exchange.echo(0) == .wrong(.duplicate(message: 0)))
        #expect(exchange.echo(1) == .good(at(1001)))
        #expect(exchange.echo(1) == .wrong(.duplicate(message: 1)))
        #expect(exchange.verifier.inFlight == 0)
    }

    @Test func `a message out of nowhere is unexpected`() {
        var exchange = Exchange()
        #expect(exchange.receive([1, 2, 3]) == .wrong(.unexpected(length: 3)))
        exchange.send(1)
        #expect(exchange.echo(0) == .good(at(1000)))
        #expect(exchange.receive([]) == .wrong(.unexpected(length: 0)))
    }

    @Test func `another connection's echo is not taken for ours`() {
        var ours = Exchange(connection: 0)
        var theirs = Exchange(connection: 1)
        ours.send(1)
        theirs.send(1)
        #expect(ours.sent[0] != theirs.sent[0])
        #expect(ours.receive(theirs.sent[0]) == .wrong(.corrupt(message: 0, offset: 0)))
    }

    @Test func `the oldest in flight is the one that times out first`() {
        var exchange = Exchange()
        #expect(exchange.verifier.oldestSentAt == nil)
        exchange.send(3)
        #expect(exchange.verifier.oldestSentAt == 1000)
        _ = exchange.echo(0)
        #expect(exchange.verifier.oldestSentAt == 1001)
    }

    @Test func `a ring of odd size keeps every moment`() {
        var exchange = Exchange(depth: 5)
        exchange.send(5)
        for message in 0..<500 {
            #expect(exchange.echo(message) == .good(at(UInt64(1000 + message))))
            exchange.send(1)
            #expect(exchange.verifier.inFlight == 5)
        }
    }
}

@Suite struct ErrorTallyTests {
    @Test func `kinds are counted, and the first example is kept`() {
        var tally = ErrorTally()
        tally.add(.corrupt(message: 4, offset: 2), connection: 0)
        tally.add(.corrupt(message: 9, offset: 0), connection: 1)
        tally.add(.connect, count: 3, "refused")
        tally.add(.timeout, count: 0, "never")
        #expect(tally.total == 5)
        #expect(tally.count(of: .corrupt) == 2)
        #expect(tally.count(of: .timeout) == 0)
        #expect(
            tally.entries.first?.firstExample
                == "connection 1, message 5: byte 2 differs from what was sent"
        )
    }

    @Test func `merging adds counts and keeps our example`() {
        var left = ErrorTally()
        var right = ErrorTally()
        left.add(.missing, "left")
        right.add(.missing, count: 2, "right")
        right.add(.timeout, "late")
        left.merge(right)
        #expect(left.total == 4)
        #expect(left.entries.map(\.firstExample) == ["left", "late"])
    }
}
