internal import COpenSSL

/// What OpenSSL reads from and writes to: two runs of memory that belong to the loop, and no socket.
///
/// One for all sessions of a loop, because only one of them is inside OpenSSL at a time. Encrypted
/// bytes are put before a session by ``withInput(_:_:)`` for one call, and what the session has to
/// send is collected in ``output`` until the connection takes it.
@safe
final class TLSPipe {
    /// The largest record, 16 KiB with 2,048 bytes of expansion and a header of 5. RFC 5246
    /// section 6.2.3; those of RFC 8446 are shorter.
    static let recordByteCountMax = 18_437
    /// The most plaintext of one record.
    static let plaintextByteCountMax = 16 << 10

    private let state: UnsafeMutablePointer<TLSPipeState>
    /// OpenSSL's view of the pipe; every session holds a reference.
    let bio: OpaquePointer

    /// - Parameter outputCapacity: how much a session may send before somebody takes it.
    /// - Throws: ``TLSError`` when there is no memory for OpenSSL.
    init(outputCapacity: Int) throws(TLSError) {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: TLSPipeState(capacity: outputCapacity))
        guard let method = unsafe TLSPipeState.method.pointer, let bio = unsafe BIO_new(method)
        else {
            unsafe state.pointee.output.deallocate()
            unsafe state.deallocate()
            throw TLSError.setUp("TLS has no memory", kind: .library)
        }
        unsafe BIO_set_data(bio, state)
        unsafe BIO_set_init(bio, 1)
        unsafe self.bio = unsafe bio
    }

    deinit {
        // Sessions keep the pipe, so nobody writes any more.
        unsafe BIO_free(bio)
        unsafe state.pointee.output.deallocate()
        unsafe state.deallocate()
    }

    /// What is to be sent.
    @inline(__always)
    var output: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            start: state.pointee.output,
            count: state.pointee.outputCount
        )
    }

    /// How much more can be sent before ``emptyOutput()``.
    @inline(__always)
    var outputRoom: Int { unsafe state.pointee.outputCapacity &- state.pointee.outputCount }

    /// What was to be sent has been taken.
    @inline(__always)
    func emptyOutput() { unsafe state.pointee.outputCount = 0 }

    /// Lends `input` to OpenSSL while `body` runs, and takes off what was read.
    @inline(__always)
    func withInput<Result>(
        _ input: inout UnsafeRawBufferPointer,
        _ body: () -> Result
    ) -> Result {
        unsafe state.pointee.input = unsafe input
        let result = body()
        unsafe input = unsafe state.pointee.input
        unsafe state.pointee.input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        return result
    }
}

/// The memory behind a pipe, which OpenSSL's callbacks are given.
@safe
struct TLSPipeState {
    var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    let output: UnsafeMutableRawPointer
    let outputCapacity: Int
    var outputCount = 0

    init(capacity: Int) {
        unsafe output = .allocate(byteCount: capacity, alignment: 64)
        outputCapacity = capacity
    }

    /// OpenSSL's table of functions for a pipe, made once and never freed.
    static let method = TLSPipeMethod()

    fileprivate static func of(_ bio: OpaquePointer?) -> UnsafeMutablePointer<TLSPipeState>? {
        unsafe BIO_get_data(bio)?.assumingMemoryBound(to: TLSPipeState.self)
    }

    /// Gives OpenSSL at most `count` bytes of the input.
    fileprivate mutating func read(_ target: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard let target = unsafe target, let source = unsafe input.baseAddress, count > 0 else {
            return 0
        }
        let count = unsafe min(count, input.count)
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count)
        unsafe input = unsafe UnsafeRawBufferPointer(rebasing: input[count...])
        return count
    }

    /// Takes at most `count` bytes from OpenSSL.
    fileprivate mutating func write(_ source: UnsafePointer<CChar>?, _ count: Int) -> Int {
        let count = min(count, outputCapacity &- outputCount)
        guard let source = unsafe source, count > 0 else { return 0 }
        // checked: a pointer, and the count is below the capacity
        unsafe (output + outputCount).copyMemory(from: source, byteCount: count)
        outputCount &+= count
        return count
    }
}

/// The functions that OpenSSL calls. Immutable after it is made.
@safe
struct TLSPipeMethod: @unchecked Sendable {
    let pointer: OpaquePointer?

    init() {
        unsafe pointer = unsafe BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stargate")
        unsafe BIO_meth_set_read(pointer) { bio, target, count in
            unsafe stargate_bio_clear_retry(bio)
            let taken = unsafe TLSPipeState.of(bio)?.pointee.read(target, Int(count)) ?? 0
            guard taken > 0 else {
                unsafe stargate_bio_set_retry_read(bio)
                return -1
            }
            return Int32(truncatingIfNeeded: taken)
        }
        unsafe BIO_meth_set_write(pointer) { bio, source, count in
            unsafe stargate_bio_clear_retry(bio)
            let taken = unsafe TLSPipeState.of(bio)?.pointee.write(source, Int(count)) ?? 0
            guard taken > 0 else {
                unsafe stargate_bio_set_retry_write(bio)
                return -1
            }
            return Int32(truncatingIfNeeded: taken)
        }
        unsafe BIO_meth_set_ctrl(pointer) { _, command, _, _ in
            // The bytes leave when the call is over: there is nothing to flush, and no other answer.
            command == BIO_CTRL_FLUSH ? 1 : 0
        }
    }
}
