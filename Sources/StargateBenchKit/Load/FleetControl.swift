// What the thread that conducts a run sees of those who make the load, be they threads of this
// process or processes of their own.

/// What a fleet is told to do, in this order.
enum FleetOrder: String, Sendable, CaseIterable {
    /// Open the connections that the mode holds throughout.
    case connect
    /// Begin to load the server.
    case go
    case beginWindow = "begin"
    case endWindow = "end"
    /// Send nothing new.
    case drain
    /// What is still outstanding is overdue.
    case giveUp = "give-up"
    case close
    /// Cut what is still not closed.
    case cut
}

/// The workers of a run.
protocol FleetControl: AnyObject {
    func order(_ order: FleetOrder)
    /// All workers at a glance; nil when one does not answer.
    func snapshot() -> WorkerSnapshot?
    /// What each thread counted; nil when one does not answer.
    func reports() -> [LoopReport]?
    /// The processes that make the load besides this one.
    var processes: [Int32] { get }
    /// Ends the threads or processes.
    func stop()
}
