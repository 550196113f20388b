// One run's bytes, taken apart from the front: settings first, then what a peer would send. That
// part stays in one piece, so that the fuzzer's dictionary and its crossing-over work on it; where
// the reads cut it is a setting too.

/// The bytes of one run.
struct FuzzInput {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - index }

    /// The next byte; 0 behind the end.
    mutating func byte() -> UInt8 {
        guard index < bytes.count else { return 0 }
        defer { index += 1 }
        return bytes[index]
    }

    /// A number within a range of at most 65,536 values.
    mutating func number(in range: ClosedRange<Int>) -> Int {
        let count = range.upperBound - range.lowerBound + 1
        let raw = count <= 256 ? Int(byte()) : Int(byte()) << 8 | Int(byte())
        return range.lowerBound + raw % count
    }

    /// One of some values.
    mutating func element<Value>(of values: [Value]) -> Value {
        values[Int(byte()) % values.count]
    }

    /// The next bytes, fewer at the end.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        let end = min(bytes.count, index + count)
        defer { index = end }
        return UnsafeRawBufferPointer(rebasing: bytes[index..<end])
    }

    /// Everything that is left.
    mutating func rest() -> UnsafeRawBufferPointer { take(remaining) }

    /// How what follows is cut into reads: up to seven lengths, used in turn. None means one read,
    /// and a length of 0 everything that is left.
    mutating func cuts() -> Cuts {
        let count = Int(byte() & 7)
        return Cuts(lengths: Array(take(count)))
    }
}

/// Where reads end.
struct Cuts {
    let lengths: [UInt8]

    /// Calls with each piece in turn until the body returns false.
    func forEachPiece(
        of bytes: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Bool
    ) {
        var start = 0
        for end in ends(of: bytes.count) {
            if !body(UnsafeRawBufferPointer(rebasing: bytes[start..<end])) { return }
            start = end
        }
    }

    /// The positions at which reads end, the last one being the end.
    func ends(of byteCount: Int) -> [Int] {
        var ends: [Int] = []
        var start = 0
        var turn = 0
        while start < byteCount {
            var length = byteCount - start
            if !lengths.isEmpty {
                let wanted = Int(lengths[turn % lengths.count])
                if wanted > 0 { length = min(length, wanted) }
                turn += 1
            }
            start += length
            ends.append(start)
        }
        return ends
    }
}
