/// The messages of a connection, each as a sequence of parts: for messages that are too long to be
/// held whole, or whose length nobody knows.
///
///     server.streamingWebSocket("/upload") { socket, messages in
///         for try await message in messages {
///             for try await part in message { try await file.write(part) }
///             try await socket.send("stored")
///         }
///     }
///
/// What is left of a message when the next one is asked for is thrown away. Ends and throws as
/// ``AsyncMessages`` does.
public struct IncomingMessages: AsyncSequence {
    let session: AsyncSession

    /// An iterator; all iterators of a connection take from the same messages.
    public func makeAsyncIterator() -> Iterator { Iterator(session: session) }

    /// Takes one message after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let session: AsyncSession

        /// The next message, as soon as it begins; nil at the end.
        public nonisolated(nonsending) mutating func next(
            isolation actor: (any Actor)?
        ) async throws -> IncomingMessage? {
            session.checkIsHere()
            return try await session.nextIncoming()
        }

        /// The next message, as soon as it begins; nil at the end.
        public nonisolated(nonsending) mutating func next() async throws -> IncomingMessage? {
            session.checkIsHere()
            return try await session.nextIncoming()
        }
    }
}

@available(*, unavailable)
extension IncomingMessages: Sendable {}
@available(*, unavailable)
extension IncomingMessages.Iterator: Sendable {}

/// A message that is received part by part. While its parts are not taken, the connection is not
/// read from, beyond what ``ReceiveCredit`` allows.
///
/// A sequence of byte arrays, none of which is empty. Of a text message they are valid UTF-8 in a
/// row, but a character may be cut: ``text`` puts such characters together.
public struct IncomingMessage: AsyncSequence {
    let session: AsyncSession
    let number: Int
    /// Whether it is a text message.
    public let isText: Bool

    /// An iterator; all iterators of a message take from the same parts.
    public func makeAsyncIterator() -> Iterator { Iterator(session: session, number: number) }

    /// A text message as strings of whole characters (Unicode scalars); of a binary message, bytes
    /// that are not UTF-8 are replaced by U+FFFD.
    public var text: Text { Text(message: self) }

    /// Receives the rest of the message and puts it together, for messages that turn out short.
    ///
    /// - Parameter byteCountMax: the most that is kept. If the message is longer, the connection
    ///   is closed with 1009.
    /// - Returns: the message, without the parts that were taken before.
    /// - Throws: ``WebSocketClosed`` with 1009 then, or as the sequence does.
    public nonisolated(nonsending) func collect(
        upTo byteCountMax: Int
    ) async throws -> OwnedMessage {
        var bytes: [UInt8] = []
        var iterator = makeAsyncIterator()
        while let part = try await iterator.next() {
            guard part.count <= byteCountMax - bytes.count else {
                let reason = "the message is longer than \(byteCountMax) bytes"
                session.socket?.close(.messageTooBig, reason: reason)
                throw WebSocketClosed(code: .messageTooBig, reason: reason)
            }
            bytes += part
        }
        return isText ? .text(String(decoding: bytes, as: UTF8.self)) : .binary(bytes)
    }

    /// Takes one part after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let session: AsyncSession
        let number: Int

        /// The next part; nil at the end of the message.
        ///
        /// - Throws: ``WebSocketClosed`` when the connection ends within the message, in whatever
        ///   way; `CancellationError` when the handler is to end.
        public nonisolated(nonsending) mutating func next(
            isolation actor: (any Actor)?
        ) async throws -> [UInt8]? {
            session.checkIsHere()
            return try await session.nextPart(of: number)
        }

        /// The next part; nil at the end of the message.
        ///
        /// - Throws: as the other overload.
        public nonisolated(nonsending) mutating func next() async throws -> [UInt8]? {
            session.checkIsHere()
            return try await session.nextPart(of: number)
        }
    }

    /// The text of a message in pieces of whole characters.
    public struct Text: AsyncSequence {
        let message: IncomingMessage

        /// An iterator; all iterators of a message take from the same parts.
        public func makeAsyncIterator() -> Iterator {
            Iterator(parts: message.makeAsyncIterator())
        }

        /// Takes one piece after the other.
        public struct Iterator: AsyncIteratorProtocol {
            var parts: IncomingMessage.Iterator
            /// The start of a character whose end is in the next part.
            private var start: [UInt8] = []

            init(parts: IncomingMessage.Iterator) { self.parts = parts }

            /// The next piece, which is not empty; nil at the end of the message.
            public nonisolated(nonsending) mutating func next(
                isolation actor: (any Actor)?
            ) async throws -> String? {
                while let part = try await parts.next(isolation: actor) {
                    if let text = take(part) { return text }
                }
                return takeRest()
            }

            /// The next piece, which is not empty; nil at the end of the message.
            public nonisolated(nonsending) mutating func next() async throws -> String? {
                while let part = try await parts.next() {
                    if let text = take(part) { return text }
                }
                return takeRest()
            }

            private mutating func take(_ part: [UInt8]) -> String? {
                let bytes = start + part
                let whole = Self.wholeCharacters(of: bytes)
                start = Array(bytes[whole...])
                return whole == 0 ? nil : String(decoding: bytes[..<whole], as: UTF8.self)
            }

            private mutating func takeRest() -> String? {
                guard !start.isEmpty else { return nil }
                defer { start = [] }
                return String(decoding: start, as: UTF8.self)
            }

            /// How many bytes there are before a character that is cut at the end.
            private static func wholeCharacters(of bytes: [UInt8]) -> Int {
                // The lead byte of a cut character is one of the last three.
                for index in bytes.indices.suffix(3).reversed() where bytes[index] >= 0xC0 {
                    let length = bytes[index] >= 0xF0 ? 4 : bytes[index] >= 0xE0 ? 3 : 2
                    return bytes.count - index < length ? index : bytes.count
                }
                return bytes.count
            }
        }
    }
}

@available(*, unavailable)
extension IncomingMessage: Sendable {}
@available(*, unavailable)
extension IncomingMessage.Iterator: Sendable {}
@available(*, unavailable)
extension IncomingMessage.Text: Sendable {}
@available(*, unavailable)
extension IncomingMessage.Text.Iterator: Sendable {}
