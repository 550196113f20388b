/// A message that may be kept and sent anywhere: what the structured tier hands out.
///
/// A task may be suspended between receiving a message and using it, so the message cannot lie in
/// the loop's buffer meanwhile: it is copied once.
public enum OwnedMessage: Sendable, Hashable {
    /// A text message.
    case text(String)
    /// A binary message.
    case binary([UInt8])

    /// Copies a message that is lent.
    public init(copying message: Message) {
        switch message {
        case .text(let text): self = .text(String(copying: text))
        case .binary(let bytes): self = .binary(bytes.copied)
        }
    }

    /// The length of the payload in bytes; of text, that of its UTF-8.
    public var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        }
    }
}

extension RawSpan {
    /// The bytes in an array of their own.
    ///
    /// Made from a buffer, because the initializer that hands out the new array's memory is not
    /// specialised, and looks its types up for every message.
    var copied: [UInt8] { unsafe withUnsafeBytes { unsafe [UInt8]($0) } }
}
