// The jobs, and the pages that watch them: a topic, to which every change is published.

import StargateCore
import Synchronization

/// All jobs of the program.
final class Board: Sendable {
    /// What can be done with a job.
    enum Action: String, CaseIterable {
        case start, pause, finish

        var state: String {
            switch self {
            case .start: "running"
            case .pause: "paused"
            case .finish: "finished"
            }
        }
    }

    static let topic: Topic = "jobs"

    private let states: Mutex<[String: String]>

    init(_ states: [String: String]) { self.states = Mutex(states) }

    func state(of id: String) -> String? { states.withLock { $0[id] } }

    /// Changes a job and tells everybody. Returns its state, or nil if there is no such job.
    func apply(_ action: Action, to id: String, _ server: Server) -> String? {
        states.withLock { states in
            guard states[id] != nil else { return nil }
            states[id] = action.state
            // Under the lock, so that every page sees all changes in the same order.
            server.publish(Self.line(id, action.state), to: Self.topic)
            return action.state
        }
    }

    /// Has a page told of every change from now on, and of how things stand.
    func attach(_ socket: WebSocket) {
        states.withLock { states in
            socket.subscribe(to: Self.topic)
            for (id, state) in states.sorted(by: { $0.key < $1.key }) {
                socket.send(Self.line(id, state))
            }
        }
    }

    private static func line(_ id: String, _ state: String) -> String {
        #"{"id":"\#(id)","state":"\#(state)"}"#
    }
}

/// One page that is open somewhere. It unsubscribes by being closed.
final class Page: WebSocketHandler {
    private let board: Board

    init(_ board: Board) { self.board = board }

    func opened(_ socket: WebSocket) { board.attach(socket) }

    /// Pages listen; what they want changed they POST.
    func received(_ message: Message, on socket: WebSocket) {}
}
