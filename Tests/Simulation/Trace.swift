/// What happened in a run, as a digest, and line by line if wanted.
final class Trace {
    /// FNV-1a over all lines.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    private let prints: Bool

    init(prints: Bool) {
        self.prints = prints
    }

    /// Notes an event: a kind, and numbers that belong to it.
    func note(_ kind: StaticString, _ first: Int = 0, _ second: Int = 0, _ third: Int = 0) {
        unsafe mix(UInt64(UInt(bitPattern: kind.utf8CodeUnitCount) << 8 | UInt(kind.utf8Start[0])))
        mix(UInt64(bitPattern: Int64(first)))
        mix(UInt64(bitPattern: Int64(second)))
        mix(UInt64(bitPattern: Int64(third)))
        if prints { print(kind, first, second, third) }
    }

    private func mix(_ word: UInt64) {
        digest = (digest ^ word) &* 0x100_0000_01B3
        digest ^= digest >> 29
    }
}

/// What many runs came to: a simulation in which nothing happens finds nothing.
struct SimulationTotals: CustomStringConvertible {
    var steps = 0
    var connections = 0
    var opened = 0
    var messages = 0
    var echoes = 0
    var publications = 0
    var failed = 0
    var completed = 0
    /// Runs in which everything that was published had arrived before anybody went.
    var lulls = 0

    static func += (left: inout SimulationTotals, right: SimulationTotals) {
        left.steps += right.steps
        left.connections += right.connections
        left.opened += right.opened
        left.messages += right.messages
        left.echoes += right.echoes
        left.publications += right.publications
        left.failed += right.failed
        left.completed += right.completed
        left.lulls += right.lulls
    }

    var description: String {
        """
        \(steps) steps, \(connections) connections, \(opened) opened, \(failed) failed by the \
        engine; \(messages) messages delivered, \(echoes) echoes and \(publications) \
        publications received; \(completed) honest peers got all their echoes, and in \(lulls) runs all \
        subscribers had every publication
        """
    }
}
