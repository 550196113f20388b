internal import Synchronization

/// A message that is sent to many: encoded once for each kind of peer, and shared by reference.
///
/// The frame of today's protocol is written when the message is made; that of the hixie drafts and
/// compressed ones, one for each size of window, when the first peer needs them. Only peers whose
/// compression refers to earlier messages (context takeover) are served one by one, because no two
/// of them have seen the same.
///
/// May be made, kept and sent on any thread.
public final class PreparedMessage: Sendable {
    /// Whether it is a text message.
    public let isText: Bool
    /// The length of the payload in bytes.
    public let byteCount: Int

    /// The frame of RFC 6455, which ends with the payload.
    let plain: EncodedFrame
    private let mayCompress: Bool
    private let variants = Lock(Variants())

    private struct Variants {
        var hixie: EncodedFrame?
        /// By the size of the window, from 9 bits to 15; the plain one where it does not shrink.
        var deflated = InlineArray<7, EncodedFrame?>(repeating: nil)
    }

    private init(_ opcode: Opcode, _ plain: EncodedFrame, byteCount: Int, compress: Bool) {
        isText = opcode == .text
        self.byteCount = byteCount
        self.plain = plain
        mayCompress = compress
    }

    /// A text message.
    ///
    /// - Parameters:
    ///   - text: the payload.
    ///   - compress: false to send it as it is even to peers that agreed on compression.
    public convenience init(text: String, compress: Bool = true) {
        var text = text
        let plain = text.withUTF8 { bytes in
            unsafe EncodedFrame.server(.text, UnsafeRawBufferPointer(bytes))
        }
        self.init(.text, plain, byteCount: text.utf8.count, compress: compress)
    }

    /// A binary message.
    ///
    /// - Parameters:
    ///   - binary: the payload.
    ///   - compress: false to send it as it is even to peers that agreed on compression.
    public convenience init(binary: [UInt8], compress: Bool = true) {
        let plain = unsafe binary.withUnsafeBytes { unsafe EncodedFrame.server(.binary, $0) }
        self.init(.binary, plain, byteCount: binary.count, compress: compress)
    }

    /// A copy of a message that is lent, such as the one just received.
    ///
    /// - Parameters:
    ///   - message: is not needed after the call.
    ///   - compress: false to send it as it is even to peers that agreed on compression.
    public convenience init(_ message: Message, compress: Bool = true) {
        let byteCount = message.byteCount
        switch message {
        case .text(let text):
            let characters = text.span
            let plain = unsafe characters.withUnsafeBytes {
                unsafe EncodedFrame.server(.text, $0)
            }
            self.init(.text, plain, byteCount: byteCount, compress: compress)
        case .binary(let bytes):
            let plain = unsafe bytes.withUnsafeBytes { unsafe EncodedFrame.server(.binary, $0) }
            self.init(.binary, plain, byteCount: byteCount, compress: compress)
        }
    }

    /// A message that was received before, or is about to be sent.
    ///
    /// - Parameters:
    ///   - message: is copied.
    ///   - compress: false to send it as it is even to peers that agreed on compression.
    public convenience init(_ message: OwnedMessage, compress: Bool = true) {
        switch message {
        case .text(let text): self.init(text: text, compress: compress)
        case .binary(let bytes): self.init(binary: bytes, compress: compress)
        }
    }

    var opcode: Opcode { isText ? .text : .binary }

    /// The payload, as it lies in the plain frame.
    var payload: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: plain.bytes[(plain.count - byteCount)...])
    }

    // MARK: Encodings

    /// How the message goes to one kind of peer.
    enum Encoding {
        /// As a frame that others get too.
        case shared(EncodedFrame)
        /// As a frame of its own: masked by a client, or compressed with an earlier context.
        case individual
        /// Not at all: the hixie drafts know text only.
        case unsupported
    }

    /// How the message goes to the peer of a connection; encodes it if it is the first of its kind.
    func encoding(for connection: Connection) -> Encoding {
        if connection.isClient { return .individual }
        guard connection.state.flags.contains(.isTransformed) else { return .shared(plain) }
        if connection.state.version.isHixie {
            return isText ? .shared(hixieFrame(connection)) : .unsupported
        }
        guard mayCompress, let compression = connection.state.compression else {
            return .shared(plain)
        }
        guard let windowBits = compression.sharedWindowBits else { return .individual }
        return .shared(deflatedFrame(windowBits, compression, connection))
    }

    private func hixieFrame(_ connection: Connection) -> EncodedFrame {
        variants.withLock { variants in
            if let known = variants.hixie { return known }
            let fresh = unsafe EncodedFrame(count: byteCount &+ HixieEncoder.overhead) { target in
                unsafe HixieEncoder.write(payload, to: target)
            }
            connection.charge(fresh)
            variants.hixie = fresh
            return fresh
        }
    }

    /// The lock is held meanwhile: another loop that needs the same frame has nothing better to do
    /// than to wait for it.
    private func deflatedFrame(
        _ windowBits: Int,
        _ compression: ConnectionCompression,
        _ connection: Connection
    ) -> EncodedFrame {
        guard (9...15).contains(windowBits) else { return plain }
        return variants.withLock { variants in
            if let known = variants.deflated[windowBits - 9] { return known }
            let compressed = unsafe compression.withCompressed(payload) { bytes in
                unsafe EncodedFrame.server(opcode, isCompressed: true, bytes)
            }
            let fresh = compressed ?? plain
            connection.charge(fresh)
            variants.deflated[windowBits - 9] = fresh
            return fresh
        }
    }
}
