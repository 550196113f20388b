// Sending a message in fragments, for messages that are too long to be held whole, or that come to
// be while they are sent. RFC 6455 section 5.4.

extension WebSocket {
    /// Sends a fragment of a binary or text message: the first one, or the one that follows.
    ///
    ///     _ = socket.sendFragment(head.bytes, isFinal: false)
    ///     _ = socket.sendFragment(rest.bytes, isFinal: true)
    ///
    /// Between two fragments the connection sends Ping, Pong and Close frames, and nothing else:
    /// `send` returns ``SendResult/unfinished``, and what is published to the connection waits, by
    /// the subscription's policy, for the end of the message. So end it soon.
    ///
    /// Where permessage-deflate was agreed on, the fragments are compressed as one message, and
    /// each can be read by the peer when it has arrived. RFC 7692 section 6.1.
    ///
    /// - Parameters:
    ///   - fragment: copied, or written before the call returns; it may be empty. Of a text message
    ///     it must be UTF-8, though a character may begin in one and end in the next.
    ///   - isText: whether it is a text message. Counts with the first fragment only.
    ///   - isFinal: whether the message ends with this fragment.
    ///   - compress: as with ``send(_:compress:)-(Message,_)``. Counts with the first fragment only.
    /// - Returns: what became of the fragment. Of one that was dropped nothing was sent, and the
    ///   message is not over: while the connection is open, send the fragment again after
    ///   ``WebSocketHandler/drained(_:)-(WebSocket)``. ``SendResult/unsupported`` with the hixie
    ///   drafts, which have no fragments.
    public func sendFragment(
        _ fragment: RawSpan,
        isText: Bool = false,
        isFinal: Bool,
        compress: Bool = true
    ) -> SendResult {
        guard let current else { return .dropped }
        return unsafe fragment.withUnsafeBytes {
            unsafe current.sendFragment(
                $0,
                isText ? .text : .binary,
                isFinal: isFinal,
                mayCompress: compress
            )
        }
    }

    /// Sends a fragment of a text message, as ``sendFragment(_:isText:isFinal:compress:)``.
    public func sendFragment(
        _ text: UTF8Span,
        isFinal: Bool,
        compress: Bool = true
    ) -> SendResult {
        unsafe sendFragment(text.span.bytes, isText: true, isFinal: isFinal, compress: compress)
    }

    /// Sends a fragment of a text message, as ``sendFragment(_:isText:isFinal:compress:)``.
    public func sendFragment(
        _ text: String,
        isFinal: Bool,
        compress: Bool = true
    ) -> SendResult {
        var text = text
        return text.withUTF8 {
            unsafe sendFragment($0.span.bytes, isText: true, isFinal: isFinal, compress: compress)
        }
    }

    /// Whether a message is being sent in fragments and the final one is still missing.
    public var isSendingFragments: Bool { current?.sendsFragments ?? false }
}
