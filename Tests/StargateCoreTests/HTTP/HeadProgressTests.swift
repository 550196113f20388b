import Testing

@testable import StargateCore

@Suite("Heads that arrive slowly")
struct HeadProgressTests {
    /// How many bytes all scans of a head look at when it arrives in pieces of one size: all of
    /// them when a scan is due, and else the new ones, the one before them, and at each line feed
    /// three more.
    static func bytesLookedAt(_ byteCount: Int, pieceSize: Int, limits: HeadLimits) -> Int {
        var sum = 0
        var scanned = 0
        for end in Array(stride(from: pieceSize, to: byteCount, by: pieceSize)) + [byteCount] {
            let isDue = HeadProgress.isScanDue(
                byteCount: end,
                previouslyScanned: scanned,
                limits: limits
            )
            sum += isDue ? end : end - scanned + 1
            scanned = end
        }
        return sum
    }

    @Test(
        "the work is linear, whatever the size of the pieces",
        arguments: [1, 2, 7, 32, 100, 1460]
    )
    func linear(pieceSize: Int) {
        let limits = HeadLimits(headByteCount: 65_535)
        for byteCount in [500, 1000, 4096, 16_384, 65_534] {
            let work = Self.bytesLookedAt(byteCount, pieceSize: pieceSize, limits: limits)
            #expect(work <= 4 * byteCount + 1024, "\(byteCount) bytes")
        }
    }

    @Test("nothing new calls for nothing")
    func nothingNew() {
        let bytes = Array(chromeUpgrade.utf8.prefix(100))
        #expect(scanRequest(bytes, previouslyScanned: 100) == .incomplete)
        #expect(scanRequest([UInt8](), previouslyScanned: 0) == .incomplete)
    }

    @Test(
        "a control byte out of place is found when it arrives, however late",
        arguments: ["\0", "\n", "\r", "\u{7F}", "\u{1B}"]
    )
    func lateControlByte(control: String) {
        let start = "GET / HTTP/1.1\r\nX: " + String(repeating: "v", count: 300)
        let bytes = Array((start + control + "vvvvvvvvv").utf8)
        let (outcome, seen) = scanRequest(bytes, arrivingAt: 1...bytes.count)
        #expect(outcome.refusedCode == 400)
        // A carriage return is known to be bare by the byte behind it.
        #expect(seen == start.utf8.count + (control == "\r" ? 2 : 1))
    }
}
