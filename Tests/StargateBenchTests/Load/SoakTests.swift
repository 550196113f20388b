import Testing

@testable import StargateBenchKit

@Suite("What a soak counts")
struct SoakTests {
    @Test(
        "a message tells its number and sender, and every changed byte shows",
        arguments: [0, 1, 999]
    )
    func messages(fill: Int) {
        var message = SoakMessage()
        let bytes = message.with(number: 0xABCDEF, sender: 7, fill: fill) { span in
            span.withUnsafeBufferPointer { Array($0) }
        }
        #expect(bytes.count == SoakMessage.headByteCount + fill)
        let read = bytes.withUnsafeBytes { message.read($0) }
        #expect(read?.number == 0xABCDEF && read?.sender == 7)
        for index in bytes.indices {
            var changed = bytes
            changed[index] = 0x2F
            #expect(changed.withUnsafeBytes { message.read($0) } == nil)
        }
        #expect(bytes.dropLast(fill + 1).withUnsafeBytes { message.read($0) } == nil)
    }

    @Test("numbers: in order, twice, left out")
    func judging() {
        var ledger = SoakLedger()
        var due: UInt64 = 0
        for number: UInt64 in [0, 1, 2] { due = ledger.judge(number, expected: due) }
        #expect(ledger.faults == 0 && due == 3)
        due = ledger.judge(2, expected: due)
        #expect(ledger.duplicated == 1 && due == 3)
        due = ledger.judge(6, expected: due)
        #expect(ledger.misordered == 1 && ledger.lost == 3 && due == 7)
        #expect(ledger.faults == 5)
    }

    /// An hour in which a process grows by so many bytes; its lulls are not all equally quiet.
    private func report(growth: Double, heapGrowth: Double) -> SoakReport {
        let samples = (4..<16).map { index in
            let seconds = Double(index + 1) * 225
            let queue = Double(index % 3) * 1e3
            return SoakSample(
                seconds: seconds,
                memory: 20e6 + queue + growth * seconds / 3600,
                allocated: 18e6 + queue + heapGrowth * seconds / 3600,
                resident: 40e6 + 10 * growth * seconds / 3600,
                descriptors: 2850 + Double(index % 7)
            )
        }
        var ledger = SoakLedger()
        ledger.echoed = 1000
        ledger.delivered = 1000
        return SoakReport(
            ledger: ledger,
            samples: samples,
            heldCount: 2820,
            seconds: 3600,
            serverCPU: 0.1,
            clientCPU: 0.1,
            descriptors: (10, 10),
            childrenEndedWell: true
        )
    }

    @Test("a leak shows in the lulls, and what differs between them is none")
    func verdicts() {
        let limit = SoakReport.memoryPerHourMax
        #expect(report(growth: 0, heapGrowth: 0).objections.isEmpty)
        #expect(report(growth: limit * 0.9, heapGrowth: limit * 0.9).objections.isEmpty)
        #expect(report(growth: limit * 1.1, heapGrowth: 0).objections == ["memory grows"])
        // What still fits into pages that were touched before.
        #expect(report(growth: 0, heapGrowth: limit * 1.1).objections == ["the heap grows"])
    }

    @Test("the slope of a line, and of noise")
    func trends() throws {
        let line = (0..<60).map { (seconds: Double($0 * 60), value: 5 + Double($0)) }
        let trend = try #require(Trend(line))
        #expect(abs(trend.perHour - 60) < 1e-6 && trend.uncertainty < 1e-6)
        #expect(trend.exceeds(59) && !trend.exceeds(61))
        let noise = (0..<60).map { (seconds: Double($0 * 60), value: $0 % 2 == 0 ? 100.0 : 0) }
        let flat = try #require(Trend(noise))
        #expect(flat.uncertainty > abs(flat.perHour) && !flat.exceeds(0))
        #expect(Trend([(0, 1), (0, 2), (0, 3), (0, 4)]) == nil)
        #expect(Trend([(0, 1), (1, 2)]) == nil)
    }
}
