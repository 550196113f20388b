import StargateCore

/// A name of a room or a guest: short, and nothing in it that means something elsewhere.
struct Name: Hashable, Sendable {
    let text: String

    init?(_ text: String?) {
        guard let text, (1...24).contains(text.unicodeScalars.count),
            text.unicodeScalars.allSatisfy({ $0.properties.isAlphabetic || Self.isDigit($0) })
        else { return nil }
        self.text = text
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
}

/// One guest in one room.
final class Guest: WebSocketHandler {
    /// What the page can send, in bytes.
    private static let lineSizeMax = 4096

    private let name: Name
    private let room: Name
    private let presence: Presence

    init(_ name: Name, in room: Name, _ presence: Presence) {
        self.name = name
        self.room = room
        self.presence = presence
    }

    func opened(_ socket: WebSocket) {
        // First, so that the guest is told of its own coming.
        socket.subscribe(to: room.topic)
        presence.enter(name, room, socket.id)
    }

    func received(_ message: Message, on socket: WebSocket) {
        guard case .text(let text) = message, message.byteCount <= Self.lineSizeMax else {
            return socket.close(.messageTooBig, reason: "lines of text, not too long")
        }
        presence.say(String(copying: text), name, room)
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        presence.leave(room, socket.id)
    }
}

extension Name {
    /// The topic of a room. A name holds no slash and no wildcard, so this is one.
    var topic: Topic { (try? Topic("rooms/\(text)")) ?? "rooms" }
}
