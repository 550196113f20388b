// The jobs, and the pages that watch them. Changes come in on any loop; each page hears of them on
// its own, through that loop's mailbox.

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

    private struct Watcher: Sendable {
        let mailbox: Mailbox
        let page: LoopBound<Page>
    }

    private struct Contents {
        var states: [String: String]
        var watchers: [ConnectionID: Watcher] = [:]
    }

    private let contents: Mutex<Contents>

    init(_ states: [String: String]) { contents = Mutex(Contents(states: states)) }

    func state(of id: String) -> String? { contents.withLock { $0.states[id] } }

    /// Changes a job and tells everybody. Returns its state, or nil if there is no such job.
    func apply(_ action: Action, to id: String) -> String? {
        contents.withLock { contents in
            guard contents.states[id] != nil else { return nil }
            contents.states[id] = action.state
            let line = Self.line(id, action.state)
            // Under the lock, so that every page sees all changes in the same order.
            for watcher in contents.watchers.values {
                watcher.mailbox.post { loop in watcher.page.open(on: loop).show(line) }
            }
            return action.state
        }
    }

    /// Has a page told of every change from now on, and of how things stand.
    func attach(_ page: Page, _ socket: WebSocket, on loop: EventLoop) {
        contents.withLock { contents in
            let box = LoopBound(page, to: loop)
            contents.watchers[socket.id] = Watcher(mailbox: loop.mailbox, page: box)
            for (id, state) in contents.states.sorted(by: { $0.key < $1.key }) {
                socket.send(Self.line(id, state))
            }
        }
    }

    func detach(_ socket: WebSocket) {
        contents.withLock { _ = $0.watchers.removeValue(forKey: socket.id) }
    }

    private static func line(_ id: String, _ state: String) -> String {
        #"{"id":"\#(id)","state":"\#(state)"}"#
    }
}

/// One page that is open somewhere.
final class Page: WebSocketHandler {
    private let board: Board
    private var socket: WebSocket?

    init(_ board: Board) { self.board = board }

    func opened(_ socket: WebSocket) {
        self.socket = socket
        if let loop = socket.eventLoop { board.attach(self, socket, on: loop) }
    }

    /// Pages listen; what they want changed they POST.
    func received(_ message: Message, on socket: WebSocket) {}

    func show(_ line: String) { socket?.send(line) }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        board.detach(socket)
        self.socket = nil
    }
}

/// A value of one loop, in a box that may be carried anywhere and opened only there.
///
/// `EventLoop` is not Sendable: whoever holds one runs on it. Asking for it at every opening is what
/// makes the unchecked promise true.
struct LoopBound<Value: AnyObject>: @unchecked Sendable {
    private let value: Value
    private let index: Int

    init(_ value: Value, to loop: EventLoop) {
        self.value = value
        index = loop.index
    }

    func open(on loop: EventLoop) -> Value {
        precondition(loop.index == index, "a value of loop \(index) was asked for on \(loop.index)")
        return value
    }
}
