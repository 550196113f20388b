// Frames and handshakes of a test's peer, written and read byte by byte: slowly, and without a line
// of the code under test.

@testable import StargateCore

/// A frame as it was on the wire.
struct RawFrame: Equatable {
    var first: UInt8
    var payload: [UInt8]
    var maskingKey: [UInt8]?

    var opcode: UInt8 { first & 0x0F }
    var text: String { String(decoding: payload, as: UTF8.self) }
    /// The code of a Close frame; nil if it holds none.
    var closeCode: UInt16? {
        payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : nil
    }
}

/// Writes a frame, with its length in the fewest bytes unless told otherwise.
///
/// - Parameters:
///   - first: FIN, reserved bits and opcode.
///   - payload: what it carries, not masked yet.
///   - key: the masking key; nil for an unmasked frame.
///   - announced: the length to write instead of the payload's.
///   - lengthByteCount: in how many bytes behind the second the length is written.
/// - Returns: the bytes.
func frame(
    _ first: UInt8,
    _ payload: [UInt8] = [],
    key: [UInt8]? = [1, 2, 3, 4],
    announced: UInt64? = nil,
    lengthByteCount: Int? = nil
) -> [UInt8] {
    let length = announced ?? UInt64(payload.count)
    let mask: UInt8 = key == nil ? 0 : 0x80
    var bytes = [first]
    switch lengthByteCount ?? (length < 126 ? 0 : length < 65536 ? 2 : 8) {
    case 0: bytes.append(mask | UInt8(truncatingIfNeeded: length))
    case 2:
        bytes += [
            mask | 126, UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length),
        ]
    default:
        bytes.append(mask | 127)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: length >> UInt64(shift)))
        }
    }
    guard let key else { return bytes + payload }
    return bytes + key + payload.enumerated().map { $0.element ^ key[$0.offset % 4] }
}

func textFrame(_ text: String) -> [UInt8] { frame(0x81, Array(text.utf8)) }

func closeFrame(_ code: UInt16, _ reason: String = "") -> [UInt8] {
    frame(0x88, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
}

/// A request that every server of WebSockets must accept.
func upgradeRequest(_ path: String = "/", extra: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\(extra)\r\n"
}

extension RawPeer {
    /// Connects and completes the opening handshake.
    static func open(
        _ address: SocketAddress,
        path: String = "/",
        extra: String = "",
        receiveBuffer: Int32? = nil
    ) throws -> RawPeer {
        let peer = try RawPeer(address, receiveBuffer: receiveBuffer)
        try peer.send(upgradeRequest(path, extra: extra))
        let response = try peer.receive(through: "\r\n\r\n")
        guard response.hasPrefix("HTTP/1.1 101 ") else {
            throw RawPeerError.ended(received: Array(response.utf8))
        }
        return peer
    }

    /// Reads one frame.
    func receiveFrame() throws -> RawFrame {
        let start = try receive(exactly: 2)
        var length = UInt64(start[1] & 0x7F)
        if length >= 126 {
            let bytes = try receive(exactly: length == 126 ? 2 : 8)
            length = bytes.reduce(0) { $0 << 8 | UInt64($1) }
        }
        let key = start[1] & 0x80 != 0 ? try receive(exactly: 4) : nil
        var payload = try receive(exactly: Int(length))
        if let key {
            for index in payload.indices { payload[index] ^= key[index % 4] }
        }
        return RawFrame(first: start[0], payload: payload, maskingKey: key)
    }

    /// Reads the status line and the fields of a response.
    func receiveStatus() throws -> String {
        let head = try receive(through: "\r\n\r\n")
        return String(head.split(separator: "\r\n").first ?? "")
    }
}
