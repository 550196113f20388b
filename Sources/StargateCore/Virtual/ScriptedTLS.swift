/// The client's side of TLS for a scripted peer: what it says, and what it hears, as records.
package final class ScriptedTLS {
    private let session: TLSSession
    /// The start of a record whose rest has not come.
    private var unread: [UInt8] = []
    /// What waits for the end of the handshake.
    private var unsent: [UInt8] = []
    /// What went wrong, in words; nothing is said or heard any more.
    package private(set) var failure: String?
    /// Whether the peer has said its goodbye, so that its end is one in good order.
    package private(set) var hasEnded = false

    /// - Parameters:
    ///   - host: whom the certificate must be for.
    ///   - configuration: whom to trust, and which versions to speak.
    /// - Throws: ``TLSError`` for what cannot be read.
    package init(host: String, _ configuration: TLSClientConfiguration) throws(TLSError) {
        let pipe = try TLSPipe(outputCapacity: LoopTLS.sendCapacity)
        session = try TLSClientContext.of(configuration).makeSession(host: host, port: 443, pipe)
    }

    /// Whether the handshake is over.
    package var isEstablished: Bool { session.isEstablished }

    /// Takes records in.
    ///
    /// - Parameter records: any part of a stream of them; none begins the handshake.
    /// - Returns: what was said in them, and what is to be sent in answer.
    package func receive(_ records: [UInt8]) -> (plaintext: [UInt8], answer: [UInt8]) {
        let arrived = unread + records
        var plaintext: [UInt8] = []
        var answer: [UInt8] = []
        unread = unsafe arrived.withUnsafeBytes { bytes in
            var input = unsafe bytes
            while unsafe step(&input, &plaintext) { answer += takeOutput() }
            answer += takeOutput()
            return unsafe Array(input)
        }
        if session.isEstablished, !unsent.isEmpty {
            let waiting = unsent
            unsent = []
            answer += send(waiting)
        }
        return (plaintext, answer)
    }

    /// Returns whether there may be more to do.
    private func step(_ input: inout UnsafeRawBufferPointer, _ plaintext: inout [UInt8]) -> Bool {
        if session.isHandshaking { return judge(unsafe session.handshake(&input)) }
        return unsafe withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 16) { space in
            let step = unsafe session.read(&input, into: space)
            if case .done(let count) = step { unsafe plaintext += space[..<count] }
            return judge(step)
        }
    }

    private func judge(_ step: TLSSession.Step) -> Bool {
        switch step {
        case .done, .needsRoom: return true
        case .needsInput: return false
        case .ended:
            hasEnded = true
            return false
        case .failed(let error):
            failure = error.description
            return false
        }
    }

    private func takeOutput() -> [UInt8] {
        let bytes = unsafe Array(session.pipe.output)
        session.pipe.emptyOutput()
        return bytes
    }

    /// The records that say something; what is said before the handshake is over waits for its end.
    package func send(_ plaintext: [UInt8]) -> [UInt8] {
        guard session.isEstablished else {
            unsent += plaintext
            return []
        }
        var records: [UInt8] = []
        var rest = plaintext[...]
        while !rest.isEmpty {
            let step = unsafe rest.withUnsafeBytes { unsafe session.write($0) }
            records += takeOutput()
            switch step {
            case .done(let count): rest = rest.dropFirst(count)
            case .needsRoom: continue
            case .needsInput, .ended: return records
            case .failed(let error):
                failure = error.description
                return records
            }
        }
        return records
    }

    /// The record that says that nothing follows.
    package func sayGoodbye() -> [UInt8] {
        session.sayGoodbye()
        return takeOutput()
    }
}
