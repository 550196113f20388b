/// The durations of ``ConnectionLimits`` in ticks of the loop's clock.
///
/// Worked out once for all connections of a context: to turn a `Duration` into ticks costs more than
/// to set the deadline, and every connection sets three.
struct DeadlineTicks {
    let slowPeer: UInt32
    /// ``DeadlineTable/never`` without a keep-alive.
    let keepAlive: UInt32
    let pong: UInt32
    let close: UInt32

    init(_ limits: ConnectionLimits) {
        slowPeer = UInt32(ticks: limits.slowPeerTimeout)
        keepAlive = limits.keepAliveInterval.map { UInt32(ticks: $0) } ?? DeadlineTable.never
        pong = UInt32(ticks: limits.pongTimeout)
        close = UInt32(ticks: limits.closeTimeout)
    }
}
