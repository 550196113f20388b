/// A message as it lies in a buffer of the loop: borrowed, complete, and checked.
///
/// It is valid only during the call it is passed to, and the compiler sees to that: it can be read,
/// echoed or published without a copy, but not kept. To keep it, copy it: `String(copying: text)`,
/// or the bytes of a span one by one.
public enum Message: ~Escapable {
    /// A text message: valid UTF-8, always.
    case text(UTF8Span)
    /// A binary message.
    case binary(RawSpan)
}

extension Message {
    /// The length of the payload in bytes.
    @inlinable
    public var byteCount: Int {
        switch self {
        case .text(let text): text.count
        case .binary(let bytes): bytes.byteCount
        }
    }
}
