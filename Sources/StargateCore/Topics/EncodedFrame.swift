internal import Synchronization

/// What the shared frames of one server hold: they belong to none of its loops.
final class FrameAccount: Sendable {
    private let held = Atomic<Int>(0)

    /// In bytes, at this moment.
    var byteCount: Int { held.load(ordering: .relaxed) }

    fileprivate func add(_ count: Int) { held.wrappingAdd(count, ordering: .relaxed) }

    fileprivate func subtract(_ count: Int) { held.wrappingSubtract(count, ordering: .relaxed) }
}

/// The bytes of a frame as they go on the wire, written once and shared by reference: by the
/// connections of all loops, until the last of them has written it.
@safe
final class EncodedFrame: Sendable {
    /// Written in `init` and only read afterwards.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer
    let count: Int

    /// The address of the ``FrameAccount`` of the server that shares the frame, retained; 0 while
    /// only the application holds it. Set once for each frame, whatever the number of peers.
    private let payer = Atomic<UInt>(0)

    /// - Parameters:
    ///   - count: the length of the frame, at least 1.
    ///   - fill: writes all of it.
    init(count: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
        self.count = count
        unsafe base = .allocate(byteCount: count, alignment: 16)
        unsafe fill(base)
    }

    deinit {
        unsafe base.deallocate()
        guard let payer = unsafe UnsafeRawPointer(bitPattern: payer.load(ordering: .relaxed))
        else { return }
        unsafe Unmanaged<FrameAccount>.fromOpaque(payer).takeRetainedValue().subtract(count)
    }

    /// Whether a server accounts for it.
    var isCharged: Bool { payer.load(ordering: .relaxed) != 0 }

    /// Has a server account for it as long as it exists. The first one that shares it does, and
    /// counts it once.
    func charge(to account: FrameAccount) {
        guard !isCharged else { return }
        let reference = unsafe Unmanaged.passRetained(account)
        let (isFirst, _) = unsafe payer.compareExchange(
            expected: 0,
            desired: UInt(bitPattern: reference.toOpaque()),
            ordering: .relaxed
        )
        if isFirst { account.add(count) } else { unsafe reference.release() }
    }

    var bytes: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base, count: count)
    }

    /// A server's frame: unmasked, FIN set. RFC 6455 section 5.2.
    static func server(
        _ opcode: Opcode,
        isCompressed: Bool = false,
        _ payload: UnsafeRawBufferPointer
    ) -> EncodedFrame {
        // RFC 7692 section 6: RSV1 says that the message is compressed.
        let firstByte: UInt8 = (isCompressed ? 0xC0 : 0x80) | opcode.rawValue
        let headerByteCount = FrameEncoder.headerByteCount(
            payloadByteCount: payload.count,
            isMasked: false
        )
        return unsafe EncodedFrame(count: headerByteCount &+ payload.count) { target in
            _ = unsafe FrameEncoder.writeHeader(
                to: target,
                firstByte: firstByte,
                payloadByteCount: payload.count,
                maskingKey: nil
            )
            guard let source = payload.baseAddress else { return }
            unsafe (target + headerByteCount).copyMemory(from: source, byteCount: payload.count)
        }
    }
}
