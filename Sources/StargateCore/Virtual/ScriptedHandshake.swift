/// The opening handshake of a scripted peer: the request of a client of any generation, and the
/// check of what it was answered.
package struct ScriptedHandshake {
    private let handshake: ClientHandshake

    /// - Parameters:
    ///   - url: where to, as `ws://host/path?query`.
    ///   - version: the generation to speak.
    ///   - origin: nil for a program that is not a browser.
    ///   - subprotocols: what is offered.
    ///   - extensions: the value of Sec-WebSocket-Extensions.
    ///   - headers: further fields.
    ///   - generator: where keys and challenges come from.
    /// - Throws: a ``ClientError`` for what cannot be put into a request.
    package init(
        url: String,
        version: ProtocolVersion,
        origin: String?,
        subprotocols: [String],
        extensions: String?,
        headers: [(String, String)],
        using generator: inout some RandomNumberGenerator
    ) throws(ClientError) {
        let request = try ClientRequest(url: url)
        do throws(ClientHandshakeFailure) {
            handshake = try ClientHandshake(
                url: request.url,
                version: version,
                origin: origin,
                subprotocols: subprotocols,
                extensions: extensions,
                headers: headers,
                using: &generator
            )
        } catch {
            throw ClientError(.badRequest, error.reason)
        }
    }

    /// The request, with the bytes that belong to it behind its head.
    package var request: [UInt8] {
        unsafe withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { memory in
            var writer = unsafe HandshakeWriter(memory)
            handshake.encode(into: &writer)
            return writer.bytes
        }
    }

    /// How many bytes of the answer follow the head of a 101 response.
    package var answerByteCount: Int { handshake.answerByteCount }

    /// Judges a 101 response.
    ///
    /// - Parameters:
    ///   - head: the head, with the blank line.
    ///   - answer: the ``answerByteCount`` bytes behind it.
    /// - Returns: what is wrong with it, or nil.
    package func fault(in head: [UInt8], answer: [UInt8]) -> String? {
        let limits = HeadLimits()
        return unsafe withUnsafeTemporaryAllocation(
            of: HeadField.self,
            capacity: limits.fieldCount
        ) { fields in
            unsafe head.withUnsafeBytes { bytes in
                let scan = unsafe ResponseHeadScanner.scan(
                    bytes,
                    previouslyScanned: 0,
                    limits: limits,
                    into: fields
                )
                guard case .complete(let head) = scan else { return "no response: \(scan)" }
                let view = unsafe HeadView(
                    bytes: bytes,
                    fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
                )
                if case .failed(let failure) = handshake.check(status: 101, head: view) {
                    return failure.reason
                }
                let isAnswered = answerByteCount == 0 || handshake.isAnswer(answer)
                return isAnswered ? nil : "the challenge was not answered"
            }
        }
    }
}
