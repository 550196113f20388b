// When messages are due. The table does not know how the server fares: a message that leaves late,
// because the server was slow with the ones before it, is still counted from its due time. That is
// what keeps a stall from hiding the very requests that suffered from it.

/// The due times of the messages of one connection.
struct Timetable: Sendable, Equatable {
    /// Messages a second of all connections that share the table.
    let rate: Double
    /// How many connections take turns, and which turn this one has, from 0.
    let connections: Int
    let turn: Int
    /// A fraction of a message by which this table lags behind, so that threads do not send in step.
    let phase: Double
    /// Nanoseconds in which the rate rises from nothing.
    let ramp: Double

    /// When message `number` is due.
    func moment(of number: UInt64, since start: UInt64) -> UInt64 {
        let order = Double(number) * Double(connections) + Double(turn) + phase
        return start &+ UInt64(offset(of: order))
    }

    /// How many messages from `number` on are due by a moment, `limit` at most.
    func count(
        from number: UInt64,
        dueBy moment: UInt64,
        since start: UInt64,
        limit: UInt64
    ) -> UInt64 {
        var (low, high): (UInt64, UInt64) = (0, 1)
        // Doubling, then halving: a stalled server may have left millions unsent.
        while high < limit, self.moment(of: number &+ high &- 1, since: start) <= moment {
            (low, high) = (high, high &* 2)
        }
        high = min(high, limit)
        while low < high {
            let middle = low &+ (high &- low &+ 1) / 2
            if self.moment(of: number &+ middle &- 1, since: start) <= moment {
                low = middle
            } else {
                high = middle &- 1
            }
        }
        return low
    }

    /// Nanoseconds from the start to the message of that order, over all connections.
    private func offset(of order: Double) -> Double {
        let steady = order / rate * 1e9
        guard ramp > 0 else { return steady }
        // At a rate that rises evenly, n messages have left after sqrt(2 n ramp / rate).
        let ramped = rate * (ramp / 1e9) / 2
        return order < ramped ? (2 * order * ramp / rate * 1e9).squareRoot() : steady + ramp / 2
    }
}
