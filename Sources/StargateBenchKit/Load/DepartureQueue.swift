/// When a message left, and when it should have.
struct Departure: Equatable, Sendable {
    var sentAt: UInt64
    /// With a rate the moment at which it was due; without one that of sending.
    var dueAt: UInt64
}

/// When the messages in flight left, oldest first. Those that left together are one entry, so what a
/// batch costs does not grow with it.
struct DepartureQueue {
    private struct Run {
        /// The number behind the last message.
        var end: UInt64
        var departure: Departure
    }

    /// A ring: entry `n` is at `n` modulo its size, a power of two.
    private var ring: [Run]
    private var first: UInt64 = 0
    private var last: UInt64 = 0

    /// Room for so many entries; it grows when there are more.
    init(capacity: Int) {
        var size = 4
        while size < capacity { size *= 2 }
        ring = [Run](repeating: Run(end: 0, departure: .init(sentAt: 0, dueAt: 0)), count: size)
    }

    var isEmpty: Bool { first == last }

    /// The oldest, or nil if there is none.
    var oldest: Departure? { isEmpty ? nil : ring[slot(first)].departure }

    /// The messages up to the one before `end` left.
    @inline(__always)
    mutating func append(upTo end: UInt64, _ departure: Departure) {
        if first != last, ring[slot(last &- 1)].departure == departure {
            ring[slot(last &- 1)].end = end
            return
        }
        if last &- first == UInt64(ring.count) { grow() }
        ring[slot(last)] = Run(end: end, departure: departure)
        last &+= 1
    }

    /// Takes the messages from `number` on that left together, `count` of them at most, off the
    /// front. The queue must not be empty, and `number` its oldest.
    @inline(__always)
    mutating func take(from number: UInt64, atMost count: Int) -> (Departure, count: Int) {
        let run = ring[slot(first)]
        let left = Int(truncatingIfNeeded: run.end &- number)
        if left <= count { first &+= 1 }
        return (run.departure, min(left, count))
    }

    /// When a message left.
    func departure(of number: UInt64) -> Departure? {
        (first..<last).lazy.map { ring[slot($0)] }.first { number < $0.end }?.departure
    }

    /// Forgets the messages before `number`.
    mutating func removeAll(before number: UInt64) {
        while first != last, ring[slot(first)].end <= number { first &+= 1 }
    }

    /// With a rate nobody knows how many messages a slow server lets pile up.
    @inline(never)
    private mutating func grow() {
        let old = ring
        let oldMask = UInt64(old.count - 1)
        ring += old
        for number in first..<last {
            ring[slot(number)] = old[Int(truncatingIfNeeded: number & oldMask)]
        }
    }

    @inline(__always)
    private func slot(_ number: UInt64) -> Int {
        Int(truncatingIfNeeded: number & UInt64(ring.count &- 1))
    }
}
