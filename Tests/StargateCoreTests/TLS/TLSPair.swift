// Two sessions that shake hands in memory: every byte between them passes through the test.

import COpenSSL

@testable import StargateCore

/// One side.
final class TLSEnd {
    let session: TLSSession
    private var unread: [UInt8] = []
    private(set) var plaintext: [UInt8] = []
    private(set) var failure: TLSError?
    private(set) var hasEnded = false
    /// How often the pipe was full.
    private(set) var stallCount = 0

    init(_ session: TLSSession) { self.session = session }

    /// Everything the session wants to send; also what it wants after room was made.
    func take() -> [UInt8] {
        let bytes = Array(session.pipe.output)
        session.pipe.emptyOutput()
        return bytes
    }

    /// Feeds bytes in pieces of `segment` bytes, and returns what comes back.
    func feed(_ bytes: [UInt8], segment: Int = .max) -> [UInt8] {
        var answer: [UInt8] = []
        var start = 0
        repeat {
            let end = start + min(segment, bytes.count - start)
            answer += feed(piece: Array(bytes[start..<end]))
            start = end
        } while start < bytes.count
        return answer
    }

    private func feed(piece: [UInt8]) -> [UInt8] {
        var answer: [UInt8] = []
        unread += piece
        unread.withUnsafeBytes { bytes in
            var input = bytes
            var isMoving = true
            while isMoving {
                isMoving = step(&input)
                answer += take()
            }
            unread = Array(input)
        }
        return answer
    }

    /// Returns whether there may be more to do.
    private func step(_ input: inout UnsafeRawBufferPointer) -> Bool {
        if session.isHandshaking { return judge(session.handshake(&input)) }
        var space = [UInt8](repeating: 0, count: 4096)
        let step = space.withUnsafeMutableBytes { session.read(&input, into: $0) }
        if case .done(let count) = step { plaintext += space[..<count] }
        return judge(step)
    }

    private func judge(_ step: TLSSession.Step) -> Bool {
        switch step {
        case .done: return true
        case .needsInput: return false
        case .needsRoom:
            stallCount += 1
            return true
        case .ended:
            hasEnded = true
            return false
        case .failed(let error):
            failure = error
            return false
        }
    }

    /// Encrypts a message.
    func write(_ bytes: [UInt8]) -> [UInt8] {
        var records: [UInt8] = []
        var sent = 0
        while sent < bytes.count {
            let step = bytes[sent...].withUnsafeBytes { session.write($0) }
            switch step {
            case .done(let count): sent += count
            case .needsRoom: stallCount += 1
            default: return records
            }
            records += take()
        }
        return records + take()
    }
}

/// A client and a server.
struct TLSPair {
    let authority: TestAuthority
    let client: TLSEnd
    let server: TLSEnd

    /// A capacity is how much fits into that side's pipe.
    init(
        serverCapacity: Int = 64 << 10,
        clientCapacity: Int = 64 << 10,
        host: String = "localhost",
        authority: TestAuthority? = nil,
        configureServer: (inout TLSConfiguration) -> Void = { _ in },
        configureClient: (inout TLSClientConfiguration) -> Void = { _ in }
    ) throws {
        let authority = try authority ?? TestAuthority()
        self.authority = authority
        var serverSide = TLSConfiguration(certificate: try authority.issue("localhost"))
        configureServer(&serverSide)
        var clientSide = TLSClientConfiguration()
        clientSide.trust = authority.trust
        configureClient(&clientSide)
        let serverContext = try TLSContext(serverSide)
        let clientContext = try TLSClientContext(clientSide)
        server = TLSEnd(
            try serverContext.makeSession(TLSPipe(outputCapacity: serverCapacity))
        )
        client = TLSEnd(
            try clientContext.makeSession(
                host: host,
                port: 443,
                TLSPipe(outputCapacity: clientCapacity)
            )
        )
    }

    /// Lets both sides talk until neither has something to say.
    func shakeHands(segment: Int = .max) {
        var toServer = client.feed([])
        while !toServer.isEmpty {
            let toClient = server.feed(toServer, segment: segment)
            guard !toClient.isEmpty else { return }
            toServer = client.feed(toClient, segment: segment)
        }
    }
}
