internal import COpenSSL

/// One TLS connection, without its socket: encrypted bytes in, plaintext out, and the reverse.
///
/// The bytes pass through the loop's ``TLSPipe``: whoever calls a method takes the pipe's output
/// afterwards, whatever the method returns, because a failure has an alert to send.
@safe
final class TLSSession {
    /// What OpenSSL keeps for a session between records, as measured: an estimate for the accounts.
    static let typicalByteCount = 16 << 10
    /// What its two buffers come to, where it keeps them between records.
    static let bufferByteCount = 34 << 10
    /// How many reads make a session a busy one.
    static let busyReadCount = 16

    /// What one step came to.
    enum Step {
        /// So many bytes were read or written; none, when a handshake is complete.
        case done(Int)
        /// All encrypted bytes were used, and more are needed.
        case needsInput
        /// The pipe is full: its output is to be taken and the step tried again, with the same bytes.
        case needsRoom
        /// The peer sent its close_notify. RFC 8446 section 6.1.
        case ended
        /// The session is over; OpenSSL must not be asked again.
        case failed(TLSError)
    }

    /// Where a session is in its life.
    enum Phase {
        case handshaking
        case established
        case failed(TLSError)
    }

    private(set) var phase = Phase.handshaking
    let ssl: OpaquePointer
    let pipe: TLSPipe
    /// OpenSSL's callbacks point to it.
    private let context: AnyObject
    /// What the kernel refused: records, which nothing may overtake.
    var refused: Outbound?
    /// Encrypted bytes of a client that waits for its turn to be shaken hands with.
    var parked = PooledBuffer.empty
    /// Where the client keeps this peer's sessions.
    let sessionKey: String?
    /// How often plaintext was read, as long as that matters.
    var readCount = 0
    /// Whether OpenSSL keeps its buffers for this session between records: to allocate them for each
    /// costs a busy one a seventh of its instructions, and to keep them costs an idle one its place.
    var keepsBuffers = false {
        didSet { unsafe stargate_ssl_keep_buffers(ssl, keepsBuffers ? 1 : 0) }
    }

    /// Messages of the peer that cost work and carry nothing: KeyUpdates, attempts to renegotiate.
    private var idleWorkCount = 0
    private var plaintextByteCount = 0
    /// The peer gave up. OpenSSL counts that as a goodbye, too.
    private var heardFatalAlert = false
    /// RFC 8446 leaves the count open. Nobody needs a second key in the first sixteen megabytes, and
    /// AES-GCM needs it after hundreds of gigabytes.
    private static let idleWorkCountMax = 32
    private static let byteCountPerIdleWork = 1 << 20

    /// - Parameters:
    ///   - ssl: made by a context; the session frees it.
    ///   - context: who made it.
    ///   - pipe: the loop's.
    ///   - sessionKey: see ``sessionKey``.
    init(
        adopting ssl: OpaquePointer,
        of context: AnyObject,
        pipe: TLSPipe,
        sessionKey: String? = nil
    ) {
        unsafe self.ssl = unsafe ssl
        self.context = context
        self.pipe = pipe
        self.sessionKey = sessionKey
        unsafe BIO_up_ref(pipe.bio)
        unsafe SSL_set_bio(ssl, pipe.bio, pipe.bio)
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe _ = stargate_ssl_set_app_data(ssl, me)
        unsafe SSL_set_info_callback(ssl) { ssl, place, value in
            guard let ssl = unsafe ssl else { return }
            unsafe TLSSession.of(ssl)?.noted(place, value)
        }
    }

    deinit {
        unsafe SSL_free(ssl)
    }

    /// The session to which OpenSSL's object belongs.
    static func of(_ ssl: OpaquePointer) -> TLSSession? {
        guard let data = unsafe stargate_ssl_app_data(ssl) else { return nil }
        return unsafe Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
    }

    var isEstablished: Bool {
        if case .established = phase { true } else { false }
    }

    var isHandshaking: Bool {
        if case .handshaking = phase { true } else { false }
    }

    /// A client's context, which keeps what can be resumed.
    var clientContext: TLSClientContext? { context as? TLSClientContext }

    /// Whether an earlier session was resumed.
    var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    /// Whether the peer ended its half in good order.
    var peerSaidGoodbye: Bool { unsafe SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0 }

    // MARK: Steps

    /// Goes on with the handshake.
    func handshake(_ input: inout UnsafeRawBufferPointer) -> Step {
        guard isHandshaking else { return outOfPhase }
        ERR_clear_error()
        let status = unsafe pipe.withInput(&input) { unsafe SSL_do_handshake(ssl) }
        guard status == 1 else { return judgeHandshake(status) }
        phase = .established
        return .done(0)
    }

    /// Decrypts at most one record.
    func read(
        _ input: inout UnsafeRawBufferPointer,
        into space: UnsafeMutableRawBufferPointer
    ) -> Step {
        guard isEstablished else { return outOfPhase }
        // OpenSSL would allocate a buffer for a record only to find that there is none.
        if unsafe input.isEmpty, unsafe SSL_has_pending(ssl) == 0 { return .needsInput }
        let room = Int32(clamping: space.count)
        let count = unsafe pipe.withInput(&input) { unsafe SSL_read(ssl, space.baseAddress, room) }
        // What callbacks found is judged here, because they cannot fail the session themselves.
        if idleWorkCount > Self.idleWorkCountMax &+ plaintextByteCount / Self.byteCountPerIdleWork {
            return fail(
                TLSError(.protocolViolation, "the peer sends handshake messages without an end")
            )
        }
        guard count > 0 else { return judge() }
        plaintextByteCount &+= Int(count)
        return .done(Int(count))
    }

    /// Encrypts at most one record of `bytes`, which must not be empty.
    func write(_ bytes: UnsafeRawBufferPointer) -> Step {
        guard isEstablished else { return outOfPhase }
        let count = unsafe SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
        return count > 0 ? .done(Int(count)) : judge()
    }

    /// Says that nothing follows, once: a close_notify.
    func sayGoodbye() {
        guard isEstablished, unsafe SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else { return }
        ERR_clear_error()
        // Whether the peer has said the same is no concern here.
        _ = unsafe SSL_shutdown(ssl)
        ERR_clear_error()
    }

    private var outOfPhase: Step {
        switch phase {
        case .failed(let error): .failed(error)
        case .handshaking, .established: .needsInput
        }
    }

    /// Finds out why OpenSSL did not go on with the handshake.
    private func judgeHandshake(_ status: Int32) -> Step {
        switch unsafe SSL_get_error(ssl, status) {
        case SSL_ERROR_WANT_READ: return .needsInput
        case SSL_ERROR_WANT_WRITE: return .needsRoom
        case SSL_ERROR_ZERO_RETURN: return .ended
        default: return fail(unsafe TLSError.ofSession(ssl, during: "TLS handshake"))
        }
    }

    /// Finds out why OpenSSL read or wrote nothing.
    ///
    /// Not by `SSL_get_error`, which takes any error on the thread's list for the session's: to clear
    /// that list before every record would cost a thirtieth of it.
    private func judge() -> Step {
        switch unsafe SSL_want(ssl) {
        case SSL_READING: return .needsInput
        case SSL_WRITING: return .needsRoom
        default: break
        }
        if peerSaidGoodbye, !heardFatalAlert { return .ended }
        return fail(unsafe TLSError.ofSession(ssl, during: "TLS connection"))
    }

    private func fail(_ error: TLSError) -> Step {
        phase = .failed(error)
        return .failed(error)
    }

    /// OpenSSL passed a place in its state machine.
    private func noted(_ place: Int32, _ value: Int32) {
        if place & SSL_CB_READ_ALERT == SSL_CB_READ_ALERT, value >> 8 == SSL3_AL_FATAL {
            heardFatalAlert = true
        }
        guard isEstablished else { return }
        if place & SSL_CB_LOOP != 0 {
            let state = unsafe SSL_get_state(ssl)
            if state == TLS_ST_SR_KEY_UPDATE || state == TLS_ST_CR_KEY_UPDATE {
                idleWorkCount &+= 1
            }
        } else if place & SSL_CB_WRITE_ALERT == SSL_CB_WRITE_ALERT, value >> 8 == SSL3_AL_WARNING {
            // The answer to an attempt to renegotiate; a close_notify is counted too, once.
            idleWorkCount &+= 1
        }
    }
}
