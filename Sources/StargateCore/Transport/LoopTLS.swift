/// What the TLS connections of a loop share: the buffers through which all of them encrypt and
/// decrypt, and the queue of those whose handshake has to wait. Made with the first of them.
@safe
final class LoopTLS {
    /// What one read brings at most.
    static let receiveCapacity = 256 << 10
    /// A full cork and what encryption adds to it, so that it still leaves in one system call.
    static let sendCapacity = CorkBuffer.capacity + 2 * TLSPipe.recordByteCountMax

    let pipe: TLSPipe
    /// Where the transport puts encrypted bytes.
    let receiveSpace: UnsafeMutableRawBufferPointer
    /// Where short runs of plaintext are put together to one record.
    let staging: UnsafeMutableRawBufferPointer
    /// The most sessions that keep their buffers between records: 8 MiB of a loop.
    static let busySessionCountMax = 256
    /// How many do.
    var busySessionCount = 0
    /// How many handshakes were answered in this turn.
    var handshakeCount = 0
    /// Clients whose turn has not come, first come first.
    private var waiting: [ConnectionID] = []
    private var isCalled = false

    init() throws(TLSError) {
        pipe = try TLSPipe(outputCapacity: Self.sendCapacity)
        unsafe receiveSpace = .allocate(byteCount: Self.receiveCapacity, alignment: 64)
        unsafe staging = .allocate(byteCount: TLSPipe.plaintextByteCountMax, alignment: 64)
    }

    deinit {
        unsafe receiveSpace.deallocate()
        unsafe staging.deallocate()
    }

    /// A client has to wait until the connections that are there had their turn.
    func enqueue(_ connection: Connection) {
        waiting.append(connection.id)
        callAgain(connection.loop)
    }

    /// Has the loop come back before it sleeps: through its mailbox, so in the next turn.
    private func callAgain(_ loop: Loop) {
        guard !isCalled else { return }
        isCalled = loop.eventLoop.mailbox.post { eventLoop in
            eventLoop.loop.state.tls?.serveWaiting(eventLoop.loop)
        }
    }

    private func serveWaiting(_ loop: Loop) {
        isCalled = false
        let batch = waiting
        waiting = []
        for (index, id) in batch.enumerated() {
            guard let connection = loop.state.slab[id.slot], connection.id == id,
                let session = connection.state.tls
            else { continue }
            guard connection.mayShakeHands(self) else {
                waiting.insert(contentsOf: batch[index...], at: 0)
                break
            }
            connection.leaveQueue(session)
        }
        if !waiting.isEmpty { callAgain(loop) }
    }
}

extension Loop {
    /// The TLS buffers of this loop, made if there are none.
    func sharedTLS() throws(TLSError) -> LoopTLS {
        if let shared = state.tls { return shared }
        let shared = try LoopTLS()
        state.tls = shared
        return shared
    }
}
