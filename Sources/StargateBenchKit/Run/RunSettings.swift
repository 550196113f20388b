/// What a run was asked to do.
struct RunSettings: Sendable, Equatable {
    var mode: BenchMode
    var url: String
    /// The loops of the server that the bench started itself; nil for somebody else's.
    var ownServerLoops: Int?
    var serverProcesses: [Int32] = []
    var connections: Int
    var pipeline = 1
    var payload = PayloadKind.binary
    var messageSize = 0
    var threads: Int
    var schedule: RunSchedule
    var seed: UInt64 = 0
    var protocolName = "rfc6455"
    var deflate = "off"
}
