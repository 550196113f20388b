/// permessage-deflate for a scripted peer: the client's side of it. RFC 7692.
package final class ScriptedDeflate {
    private let compression: ConnectionCompression

    /// The value of Sec-WebSocket-Extensions that asks for it.
    package static func offer(_ options: PerMessageDeflate) -> String { options.offer }

    /// What a server agreed to; nil if its answer does not fit the offer.
    package init?(_ options: PerMessageDeflate, answer: String) {
        let offers = unsafe Array(answer.utf8).withUnsafeBytes { bytes in
            unsafe try? Extensions.parse(ByteView(bytes))
        }
        guard let offers, offers.count == 1, let first = offers.first,
            let parameters = options.check(first)
        else { return nil }
        compression = ConnectionCompression(
            parameters,
            options: options,
            shared: LoopCompression(options),
            isClient: true
        )
    }

    /// The payload of a compressed message; nil when it would be sent as it is.
    package func deflate(_ message: [UInt8]) -> [UInt8]? {
        unsafe message.withUnsafeBytes { bytes in
            unsafe compression.withCompressed(bytes) { unsafe Array($0) }
        }
    }

    /// The message in a compressed payload; nil if it is broken or longer than 64 MiB.
    package func inflate(_ payload: [UInt8]) -> [UInt8]? {
        var message: [UInt8]?
        _ = unsafe payload.withUnsafeBytes { bytes in
            unsafe compression.withInflated(bytes, limit: 64 << 20) { message = unsafe Array($0) }
        }
        return message
    }
}
