// Who is in which room. Guests come and go on all loops; everybody in the room is told the whole
// list, so that a page that missed one is right again with the next.

import StargateCore
import Synchronization

final class Presence: Sendable {
    private unowned let server: Server
    private let rooms = Mutex<[Name: [ConnectionID: Name]]>([:])

    init(_ server: Server) { self.server = server }

    func enter(_ name: Name, _ room: Name, _ id: ConnectionID) {
        change(room) { $0[id] = name }
    }

    func leave(_ room: Name, _ id: ConnectionID) {
        change(room) { $0[id] = nil }
    }

    /// Says a line to everybody in the room, the speaker too.
    func say(_ line: String, _ name: Name, _ room: Name) {
        server.publish(
            #"{"type":"line","from":\#(quoted(name.text)),"text":\#(quoted(line))}"#,
            to: room.topic
        )
    }

    private func change(_ room: Name, _ body: (inout [ConnectionID: Name]) -> Void) {
        rooms.withLock { rooms in
            var guests = rooms[room] ?? [:]
            body(&guests)
            rooms[room] = guests.isEmpty ? nil : guests
            let names = guests.values.map { quoted($0.text) }.sorted().joined(separator: ",")
            // Under the lock, so that nobody is told of an older list after a newer one.
            server.publish(#"{"type":"people","names":[\#(names)]}"#, to: room.topic)
        }
    }
}

/// A string as JSON has it. RFC 8259 section 7.
private func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": result += "\\\(scalar)"
        case "\u{0}"..<" ":
            let digits = String(scalar.value, radix: 16)
            result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
