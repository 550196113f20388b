// What a loop counts, in cells that only its thread writes and any thread may read at any time.

internal import Synchronization

/// The counts of one loop.
///
/// A cell is changed by a plain load and a plain store, without a lock or a locked instruction: it
/// has one writer. Readers on other threads see each count as it was a moment ago, never torn, and
/// no loop is stopped for them.
@safe
final class Meter: Sendable {
    private static let cellCount = CounterGroup.allCases.count * CounterGroup.size

    /// Written by the loop's thread only.
    private nonisolated(unsafe) let cells: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        unsafe cells = .allocate(capacity: Self.cellCount)
        for index in 0..<Self.cellCount { unsafe (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        for index in 0..<Self.cellCount { unsafe (cells + index).deinitialize(count: 1) }
        unsafe cells.deallocate()
    }

    /// How the cells are reached without counting references; not longer than the meter lives.
    var counts: Counts { unsafe Counts(cells) }

    /// A pointer to the cells.
    @safe
    struct Counts {
        private let cells: UnsafeMutablePointer<Atomic<UInt64>>

        fileprivate init(_ cells: UnsafeMutablePointer<Atomic<UInt64>>) {
            unsafe self.cells = unsafe cells
        }

        @inline(__always)
        subscript<Member: CounterFamily>(member: Member) -> UInt64 {
            get { self[Member.group, Int(member.rawValue)] }
            nonmutating set { self[Member.group, Int(member.rawValue)] = newValue }
        }

        /// The place is below ``CounterGroup/size``, which the families' raw values are.
        @inline(__always)
        subscript(group: CounterGroup, place: Int) -> UInt64 {
            get {
                unsafe cells[Int(group.rawValue) &* CounterGroup.size &+ place]
                    .load(ordering: .relaxed)
            }
            nonmutating set {
                unsafe cells[Int(group.rawValue) &* CounterGroup.size &+ place]
                    .store(newValue, ordering: .relaxed)
            }
        }
    }
}

/// Counters that belong together, side by side.
enum CounterGroup: UInt8, CaseIterable {
    case single, versions, statuses, admissions, failures, drops
    case closeCodesSent, closeCodesReceived, turns, roundTrips, memory

    /// The room that each has.
    static let size = 32
}

/// One counter for each case of an enum.
protocol CounterFamily: RawRepresentable, CaseIterable where RawValue == UInt8 {
    static var group: CounterGroup { get }
}

extension ProtocolVersion: CounterFamily {
    static var group: CounterGroup { .versions }
}

/// The counters that stand for themselves.
enum Counter: UInt8, CounterFamily {
    case connectionsAccepted, connectionsActive, connectionsFailed
    case handshakesAccepted, handshakesRefused
    case messagesReceived, messagesSent, messagesDropped
    case framesReceived, controlFramesSent
    case bytesReceived, bytesSent
    case publicationsTaken, publicationsDelivered, publicationsDropped, publicationsConflated
    case reads, writes, acceptPauses, jobsRun, yields, turnMilliseconds, longestTurn
    case tlsHandshakes, tlsHandshakesFailed, tlsHandshakesResumed, tlsHandshakesDeferred
    case roundTripMilliseconds, requestsAnswered, stalls

    static var group: CounterGroup { .single }
}
