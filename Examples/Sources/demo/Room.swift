// The chat room: every member of every loop hears what one of them says. A loop sends to its own
// members only; the others are reached through their mailboxes.

import StargateCore
import Synchronization

/// One room for all loops.
final class Room: Sendable {
    /// The members that one loop serves. Confined to that loop.
    final class Corner {
        fileprivate(set) var members: Set<WebSocket> = []
    }

    /// A loop's corner, and the door through which other loops reach it.
    private struct Entrance: Sendable {
        let loop: Int
        let mailbox: Mailbox
        let corner: LoopBound<Corner>
    }

    private struct State {
        var entrances: [Entrance] = []
        var memberCount = 0
    }

    private let state = Mutex(State())

    /// Lets a member in, on its loop, and tells everybody how many are present now.
    ///
    /// - Returns: where the member sits, for ``leave(_:from:)``.
    func enter(_ socket: WebSocket, on loop: EventLoop) -> Corner {
        let corner = corner(of: loop)
        corner.members.insert(socket)
        changeCount(by: 1)
        return corner
    }

    /// Takes a member out, on its loop, and tells those who stay.
    func leave(_ socket: WebSocket, from corner: Corner) {
        corner.members.remove(socket)
        changeCount(by: -1)
    }

    /// Says a line to all members, the speaker among them.
    func say(_ line: String) {
        state.withLock { state in
            post(line, to: state.entrances)
        }
    }

    private func changeCount(by change: Int) {
        state.withLock { state in
            state.memberCount += change
            let line = #"{"type":"presence","count":\#(state.memberCount)}"#
            post(line, to: state.entrances)
        }
    }

    /// Called under the lock, so that every loop gets all lines in the same order.
    private func post(_ line: String, to entrances: [Entrance]) {
        for entrance in entrances {
            // A loop that has ended takes no more work, and has no members to tell.
            _ = entrance.mailbox.post { loop in
                for member in entrance.corner.open(on: loop).members {
                    // A member that does not read is the library's matter: its queue is bounded.
                    _ = member.send(line)
                }
            }
        }
    }

    /// The corner of `loop`, which is set up when its first member comes.
    private func corner(of loop: EventLoop) -> Corner {
        let known = state.withLock { state in
            state.entrances.first { $0.loop == loop.index }
        }
        if let known { return known.corner.open(on: loop) }
        let new = Corner()
        let entrance = Entrance(
            loop: loop.index,
            mailbox: loop.mailbox,
            corner: LoopBound(new, to: loop)
        )
        // Only this loop adds its own entrance, so nobody was faster since the look above.
        state.withLock { $0.entrances.append(entrance) }
        return new
    }
}
