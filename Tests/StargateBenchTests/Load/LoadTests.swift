import Histogram
import StargateCore
import Testing

@testable import StargateBenchKit

@Suite struct TimetableTests {
    @Test func `messages are due evenly, connections in turn`() {
        let tables = (0..<4).map {
            Timetable(rate: 1000, connections: 4, turn: $0, phase: 0, ramp: 0)
        }
        let moments: [UInt64] = (0..<12).map { (order: Int) -> UInt64 in
            tables[order % 4].moment(of: UInt64(order / 4), since: 5)
        }
        let expected: [UInt64] = (0..<12).map { (order: Int) -> UInt64 in
            5 + UInt64(order) * 1_000_000
        }
        #expect(moments == expected)
    }

    @Test func `a ramp sends half as much in its time, and is even afterwards`() {
        let table = Timetable(rate: 1000, connections: 1, turn: 0, phase: 0, ramp: 2e9)
        let inRamp = (0..<5000).filter { table.moment(of: UInt64($0), since: 0) < 2_000_000_000 }
        #expect((999...1001).contains(inRamp.count))
        let step = table.moment(of: 3001, since: 0) - table.moment(of: 3000, since: 0)
        #expect((999_990...1_000_010).contains(step))
        #expect(table.moment(of: 10, since: 0) > 100_000_000)
    }
}

@Suite struct DeckMixTests {
    private let mix = [SizeShare(bytes: 20, weight: 70), SizeShare(bytes: 512, weight: 30)]

    @Test func `sizes come by their weights, and equal seeds give equal sequences`() {
        let first = PayloadDeck(kind: .binary, messageSize: 0, mix: mix, inFlight: 1, seed: 4)
        let second = PayloadDeck(kind: .binary, messageSize: 0, mix: mix, inFlight: 1, seed: 4)
        let third = PayloadDeck(kind: .binary, messageSize: 0, mix: mix, inFlight: 1, seed: 5)
        let sizes = (0..<4096).map { first.size(at: $0) }
        #expect(sizes == (0..<4096).map { second.size(at: $0) })
        #expect(sizes != (0..<4096).map { third.size(at: $0) })
        let small = Double(sizes.filter { $0 == 20 }.count) / 4096
        #expect((0.66...0.74).contains(small))
        #expect(Set(sizes) == [20, 512])
        for position in 0..<4096 {
            let bytes = first.withPayload(at: position) { $0.withUnsafeBytes { Array($0) } }
            #expect(bytes.count == sizes[position])
            #expect(bytes == second.withPayload(at: position) { $0.withUnsafeBytes { Array($0) } })
        }
    }

    @Test func `a file is sent as it is`() {
        let deck = PayloadDeck(content: [1, 2, 3], isText: false)
        for position in [0, 1, 77] {
            #expect(
                deck.withPayload(at: position) { $0.withUnsafeBytes { Array($0) } } == [1, 2, 3]
            )
        }
    }

    @Test(arguments: ["20", "20:", ":5", "20:70,", "20:0", "x:1", "20:1:1", "2g:1"])
    func `what is no mix is refused`(text: String) {
        #expect(SizeMix(argument: text) == nil)
    }

    @Test func `a mix is read`() throws {
        let mix = try #require(SizeMix(argument: "20:70,512:25,16k:5"))
        #expect(mix.shares.map(\.bytes) == [20, 512, 16_384])
        #expect(mix.shares.map(\.weight) == [70, 25, 5])
    }
}

@Suite struct NumberedMessageTests {
    @Test(arguments: [34, 35, 100])
    func `a message tells its number and moment, and every byte of it counts`(size: Int) {
        var bytes = NumberedMessage.buffer(size: size)
        let header = NumberedMessage.Header(number: 0x0123_4567_89AB_CDEF, sentAt: 987_654_321)
        NumberedMessage.write(header, into: &bytes)
        #expect(bytes.count == size)
        #expect(bytes.withUnsafeBytes { NumberedMessage.read($0.bytes, size: size) } == header)
        for index in bytes.indices {
            var wrong = bytes
            wrong[index] = UInt8(ascii: "!")
            #expect(wrong.withUnsafeBytes { NumberedMessage.read($0.bytes, size: size) } == nil)
        }
        #expect(bytes.withUnsafeBytes { NumberedMessage.read($0.bytes, size: size + 1) } == nil)
    }
}

@Suite struct SourceRangeTests {
    @Test func `connections go over the addresses of the network in turn`() throws {
        let range = try #require(SourceRange("127.0.0.0/8"))
        #expect(range.address(of: 0) == "127.0.0.1")
        #expect(range.address(of: 19_999) == "127.0.0.1")
        #expect(range.address(of: 20_000) == "127.0.0.2")
        #expect(try #require(SourceRange("10.1.2.3")).address(of: 90_000) == "10.1.2.3")
        let pair = try #require(SourceRange("10.0.0.4/30"))
        #expect(pair.address(of: 0) == "10.0.0.5")
        #expect(pair.address(of: 20_000) == "10.0.0.6")
        #expect(pair.address(of: 40_000) == "10.0.0.5")
    }

    @Test(arguments: [
        "", "127.0.0", "127.0.0.256", "127.0.0.1/0", "127.0.0.1/33", "a.b.c.d", "1.2.3.4/8/9",
    ])
    func `what is no network is refused`(text: String) {
        #expect(SourceRange(text) == nil)
    }
}

@Suite struct RateSearchTests {
    /// Searches a server that keeps up to some rate.
    private func search(_ most: Double, precision: Double = 0.05) -> RateSearch {
        var search = RateSearch(start: 100, limit: 1e6, precision: precision)
        while let rate = search.next {
            search.note(rate <= most, step: StepReport(rate: rate, isMet: rate <= most))
        }
        return search
    }

    @Test(arguments: [3.0, 99, 100, 1234, 77_777, 999_999])
    func `the search ends near the rate that is possible`(most: Double) throws {
        let found = search(most)
        let best = try #require(found.steps.filter(\.isMet).map(\.rate).max())
        #expect(best <= most && best >= most * 0.9)
        #expect(found.steps.count < 40)
    }

    @Test func `nothing is possible, or everything`() {
        #expect(search(0).steps.allSatisfy { !$0.isMet })
        #expect(search(1e9).steps.last?.rate == 1e6)
        #expect(search(1e9).ending == nil)
    }
}

@Suite struct FanoutTests {
    @Test func `threads that saw the same message see one first and one last`() {
        let none = FanoutRecord(first: .max, last: 0, recipients: 0)
        let merged = FanoutRecord.merged([
            [FanoutRecord(first: 5, last: 9, recipients: 2), none],
            [
                FanoutRecord(first: 3, last: 7, recipients: 1),
                FanoutRecord(first: 1, last: 2, recipients: 3),
            ],
        ])
        #expect(merged[0] == FanoutRecord(first: 3, last: 9, recipients: 3))
        #expect(merged[1] == FanoutRecord(first: 1, last: 2, recipients: 3))
    }
}

@Suite struct LoopReportTests {
    @Test func `a process tells all that its threads counted`() throws {
        let statistics = WorkerStatistics()
        statistics.opened = 3
        statistics.keepUncorrected()
        statistics.beginWindow()
        for value in [1000, 2000, 1_000_000] as [UInt64] {
            statistics.complete(Departure(sentAt: 10, dueAt: 0), at: value)
            statistics.countSent()
        }
        statistics.record(.connecting, 77)
        statistics.errors.add(.timeout, count: 4, "late")
        statistics.endWindow()
        var report = statistics.report()
        report.wire = WireCount(sent: 8, received: 9)
        let read = try LoopReport(json: JSONValue(parsing: report.json.line()))
        #expect(read.json == report.json)
        #expect(read.measured == 3)
        #expect(read.sent == 3)
        #expect(FleetReport(merging: [report, read]).latency.totalCount == 6)
    }

    @Test(arguments: ["0/0", "2/2", "-1/2", "1", "a/b", ""])
    func `what is no lane is refused`(text: String) {
        #expect(Lane(text) == nil)
    }
}
