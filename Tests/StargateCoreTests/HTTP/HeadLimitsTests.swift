import Testing

@testable import StargateCore

@Suite("Limits of a head")
struct HeadLimitsTests {
    /// A request whose parts have exactly these lengths.
    static func request(startLine: Int = 14, fieldLines: [Int] = []) -> [UInt8] {
        let target = String(repeating: "a", count: startLine - 14)
        var text = "GET /\(target) HTTP/1.1\r\n"
        for length in fieldLines {
            text += "X:" + String(repeating: "v", count: length - 2) + "\r\n"
        }
        return Array((text + "\r\n").utf8)
    }

    /// Whole, byte by byte (but for the longest), and in pieces of 1000.
    static func expectSame(_ bytes: [UInt8], _ limits: HeadLimits, isRefusedWith fault: HeadFault?)
    {
        let bytewise = bytes.count < 20_000 ? 1 : 97
        let arrivals = [bytes.count, bytewise, 1000].map { size in
            Array(stride(from: size, to: bytes.count, by: size)) + [bytes.count]
        }
        for ends in arrivals {
            let (outcome, _) = scanRequest(bytes, arrivingAt: ends, limits: limits)
            if let fault {
                #expect(outcome == .refused(fault))
            } else {
                #expect(outcome.request != nil)
            }
        }
    }

    @Test("the request line", arguments: [(64, nil), (65, HeadFault.startLineTooLong)])
    func startLine(length: Int, fault: HeadFault?) {
        let limits = HeadLimits(startLineByteCount: 64)
        Self.expectSame(Self.request(startLine: length), limits, isRefusedWith: fault)
    }

    @Test("an empty line before it does not count", arguments: [0, 1])
    func emptyLine(excess: Int) {
        let limits = HeadLimits(startLineByteCount: 64)
        let bytes = [13, 10] + Self.request(startLine: 64 + excess)
        Self.expectSame(bytes, limits, isRefusedWith: excess == 0 ? nil : .startLineTooLong)
        // Without its end, too.
        let endless = bytes.prefix(32) + [UInt8](repeating: UInt8(ascii: "a"), count: 100)
        Self.expectSame(Array(endless), limits, isRefusedWith: .startLineTooLong)
    }

    @Test("a field line", arguments: [(64, nil), (65, HeadFault.fieldLineTooLong)])
    func fieldLine(length: Int, fault: HeadFault?) {
        let limits = HeadLimits(fieldLineByteCount: 64)
        Self.expectSame(
            Self.request(fieldLines: [10, length, 10]),
            limits,
            isRefusedWith: fault
        )
    }

    @Test("the number of fields", arguments: [(100, nil), (101, HeadFault.tooManyFields)])
    func fieldCount(count: Int, fault: HeadFault?) {
        let bytes = Self.request(fieldLines: Array(repeating: 5, count: count))
        Self.expectSame(bytes, .default, isRefusedWith: fault)
    }

    @Test("more fields than there is room for are refused, not written")
    func fieldRoom() {
        let bytes = Self.request(fieldLines: [5, 5, 5])
        #expect(scanRequest(bytes, fieldCapacity: 3).request?.fields.count == 3)
        #expect(scanRequest(bytes, fieldCapacity: 2) == .refused(.tooManyFields))
        #expect(scanRequest(bytes, fieldCapacity: 0) == .refused(.tooManyFields))
    }

    @Test("the whole head", arguments: [(0, nil), (1, HeadFault.headTooLong)])
    func head(excess: Int, fault: HeadFault?) {
        let bytes = Self.request(fieldLines: [100, 100, 100])
        let limits = HeadLimits(headByteCount: bytes.count - excess)
        Self.expectSame(bytes, limits, isRefusedWith: fault)
        // What follows does not count.
        if fault == nil {
            #expect(scanRequest(bytes + [1, 2, 3], limits: limits).request != nil)
        }
    }

    @Test("the defaults, to the byte")
    func defaults() {
        Self.expectSame(Self.request(startLine: 8192), .default, isRefusedWith: nil)
        Self.expectSame(Self.request(startLine: 8193), .default, isRefusedWith: .startLineTooLong)
        Self.expectSame(Self.request(fieldLines: [8192]), .default, isRefusedWith: nil)
        Self.expectSame(
            Self.request(fieldLines: [8193]),
            .default,
            isRefusedWith: .fieldLineTooLong
        )
        let rest = 16_384 - 16 - 8194 - 2
        Self.expectSame(Self.request(fieldLines: [8192, rest - 2]), .default, isRefusedWith: nil)
        Self.expectSame(
            Self.request(fieldLines: [8192, rest - 1]),
            .default,
            isRefusedWith: .headTooLong
        )
    }

    @Test("the largest limits there are")
    func largest() {
        let limits = HeadLimits(
            headByteCount: 65_535,
            startLineByteCount: 65_535,
            fieldLineByteCount: 65_535
        )
        let length = 65_535 - 16 - 2 - 2
        Self.expectSame(Self.request(fieldLines: [length]), limits, isRefusedWith: nil)
        Self.expectSame(
            Self.request(fieldLines: [length + 1]),
            limits,
            isRefusedWith: .headTooLong
        )
    }

    @Test(
        "what never ends is refused within the limit of the head",
        arguments: [
            ("GET /", "a", HeadFault.startLineTooLong, 8193),
            ("GET / HTTP/1.1\r\nX: ", "a", .fieldLineTooLong, 16_384),
            ("GET / HTTP/1.1\r\n", "X", .fieldLineTooLong, 16_384),
            ("GET / HTTP/1.1\r\n", "X: y\r\n", .tooManyFields, 1024),
            (
                "GET / HTTP/1.1\r\n", "X: 34567890123456789012345678901234567890\r\n",
                .tooManyFields, 8192
            ),
        ]
    )
    func endless(start: String, repeated: String, fault: HeadFault, byteCountMax: Int) {
        var bytes = Array(start.utf8)
        while bytes.count < 20_000 { bytes += Array(repeated.utf8) }
        #expect(scanRequest(bytes).refusedCode == fault.status.code)
        let (outcome, seen) = scanRequest(bytes, arrivingAt: 1...bytes.count)
        #expect(outcome.refusedCode == fault.status.code)
        #expect(seen <= 16_384)
        #expect(seen <= max(byteCountMax * 2, 1024))
    }

    @Test("half a line end does not count, and half a head within the limits is incomplete")
    func prefixes() {
        let limits = HeadLimits(
            headByteCount: 64 + 2 + 40 + 2 + 2,
            startLineByteCount: 64,
            fieldLineByteCount: 40
        )
        let bytes = Self.request(startLine: 64, fieldLines: [40])
        #expect(bytes.count == limits.headByteCount)
        for count in 0..<bytes.count {
            #expect(scanRequest(bytes[..<count], limits: limits) == .incomplete, "\(count) bytes")
        }
        #expect(scanRequest(bytes, limits: limits).request != nil)
    }

    @Test("a head that has not ended at its limit never will")
    func unfinished() {
        let limits = HeadLimits(headByteCount: 100)
        let bytes = Self.request(fieldLines: [30, 60])
        #expect(scanRequest(bytes[..<99], limits: limits) == .incomplete)
        #expect(scanRequest(bytes[..<100], limits: limits) == .refused(.headTooLong))
        let later = scanRequest(bytes[..<100], previouslyScanned: 99, limits: limits)
        #expect(later == .refused(.headTooLong))
        let line = Self.request(startLine: 200)
        #expect(scanRequest(line[..<99], limits: limits) == .incomplete)
        #expect(scanRequest(line[..<100], limits: limits) == .refused(.startLineTooLong))
    }

    @Test("limits that ranges cannot hold are the programmer's mistake")
    func badLimits() async {
        await #expect(processExitsWith: .failure) {
            _ = HeadLimits(headByteCount: 65_536)
        }
    }
}
