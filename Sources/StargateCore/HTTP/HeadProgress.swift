// Slow senders: a head of 16 KiB that arrives byte by byte must not be scanned 16 thousand times.
// The scanners keep no state, so all there is to go by is how far the last call saw.

/// Decides whether another scan of a head can say more than the last one did.
enum HeadProgress {
    /// Up to this length every scan is worth its while: it is the request line, and what is no
    /// HTTP at all shows there.
    private static let eagerByteCount = 32

    /// Whether a scan from the front is called for.
    ///
    /// It is when the new bytes hold the end of the head or a byte that no head has, when a limit
    /// is reached, and whenever the length passes a power of two: a fault then shows before the
    /// peer has sent twice as much, and all scans together cost at most four times the last one.
    static func isWorthScanning(
        _ bytes: UnsafeRawBufferPointer,
        previouslyScanned: Int,
        limits: HeadLimits
    ) -> Bool {
        let isDue = isScanDue(
            byteCount: bytes.count,
            previouslyScanned: previouslyScanned,
            limits: limits
        )
        if isDue { return true }
        guard bytes.count > previouslyScanned else { return false }
        return unsafe holdsEnd(bytes, from: previouslyScanned)
    }

    /// Whether the length alone calls for a scan.
    static func isScanDue(byteCount: Int, previouslyScanned: Int, limits: HeadLimits) -> Bool {
        previouslyScanned < eagerByteCount || byteCount >= limits.headByteCount
            || byteCount.leadingZeroBitCount != previouslyScanned.leadingZeroBitCount
    }

    /// Whether the bytes from a position on hold a blank line, or a control byte out of place.
    private static func holdsEnd(_ bytes: UnsafeRawBufferPointer, from position: Int) -> Bool {
        // One byte back: a carriage return there waits for its line feed.
        for index in (position &- 1)..<bytes.count {
            switch unsafe bytes[index] {
            case HeadByte.lineFeed:
                guard unsafe bytes[index &- 1] == HeadByte.carriageReturn else { return true }
                guard unsafe bytes[index &- 2] == HeadByte.lineFeed else { continue }
                if unsafe bytes[index &- 3] == HeadByte.carriageReturn { return true }
            case HeadByte.carriageReturn:
                guard index &+ 1 < bytes.count else { continue }
                if unsafe bytes[index &+ 1] != HeadByte.lineFeed { return true }
            case HeadByte.tab:
                continue
            case 0..<HeadByte.blank, 0x7F:
                return true
            default:
                continue
            }
        }
        return false
    }
}
