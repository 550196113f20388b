// The account of a soak. Whatever is not zero in its second half is a fault of the server.

/// What the connections of a soak have counted.
struct SoakLedger: Sendable, Equatable {
    /// Echoes that were asked for and came.
    var sent: UInt64 = 0
    var echoed: UInt64 = 0
    /// Publications, and what subscribers got of them.
    var published: UInt64 = 0
    var delivered: UInt64 = 0
    /// Connections that were made to live for one message.
    var churned: UInt64 = 0
    /// Times that a reader paused until its peer's buffers were full.
    var pauses: UInt64 = 0
    /// Bad clients that the server got rid of, as it should.
    var hostile: UInt64 = 0

    /// Numbers that were left out or did not come in time.
    var lost: UInt64 = 0
    /// Numbers that came a second time.
    var duplicated: UInt64 = 0
    /// Numbers that came too early, before the one that was due.
    var misordered: UInt64 = 0
    /// Messages with a byte that was not what it was.
    var corrupted: UInt64 = 0
    /// Connections that ended though nobody asked for it, or were not made.
    var broken: UInt64 = 0
    /// Bad clients that the server kept.
    var tolerated: UInt64 = 0

    var faults: UInt64 { lost + duplicated + misordered + corrupted + broken + tolerated }

    /// Judges a number where `expected` was due, and returns the one that is due next.
    mutating func judge(_ number: UInt64, expected: UInt64) -> UInt64 {
        if number < expected {
            duplicated += 1
            return expected
        }
        if number > expected {
            misordered += 1
            lost += number - expected
        }
        return number + 1
    }

    static func += (left: inout SoakLedger, right: SoakLedger) {
        left.sent += right.sent
        left.echoed += right.echoed
        left.published += right.published
        left.delivered += right.delivered
        left.churned += right.churned
        left.pauses += right.pauses
        left.hostile += right.hostile
        left.lost += right.lost
        left.duplicated += right.duplicated
        left.misordered += right.misordered
        left.corrupted += right.corrupted
        left.broken += right.broken
        left.tolerated += right.tolerated
    }
}
