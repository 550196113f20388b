// One member of the room, on its loop. What members say is theirs: the page writes and reads it as
// JSON, the server only bounds its size and passes it on.

import StargateCore

/// One page that is connected to the room.
final class Chat: WebSocketHandler {
    /// What the page can send: 1000 letters, a name, and their escapes.
    static let lineSizeMax = 8 * 1024

    /// A line that begins so comes back to its sender alone: that is how the page takes the time.
    private static let pingStart = #"{"type":"ping""#

    private let room: Room
    private var corner: Room.Corner?

    init(room: Room) {
        self.room = room
    }

    func opened(_ socket: WebSocket) {
        guard let loop = socket.eventLoop else { return }
        corner = room.enter(socket, on: loop)
    }

    func received(_ message: Message, on socket: WebSocket) {
        guard case .text(let text) = message else {
            return socket.close(.unsupportedData, reason: "the room takes text")
        }
        guard message.byteCount <= Self.lineSizeMax else {
            return socket.close(.messageTooBig, reason: "at most \(Self.lineSizeMax) bytes")
        }
        let line = String(copying: text)
        if line.hasPrefix(Self.pingStart) {
            _ = socket.send(message)
        } else {
            room.say(line)
        }
    }

    func closed(_ socket: WebSocket, code: CloseCode, reason: String) {
        guard let corner else { return }
        self.corner = nil
        room.leave(socket, from: corner)
    }
}

/// Sends every message back as it came.
final class Echo: WebSocketHandler {
    func received(_ message: Message, on socket: WebSocket) {
        _ = socket.send(message)
    }
}
