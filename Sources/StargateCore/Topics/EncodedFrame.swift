internal import Synchronization

/// The bytes of a frame as they go on the wire, written once and shared by reference: by the
/// connections of all loops, until the last of them has written it.
@safe
final class EncodedFrame: Sendable {
    /// Written in `init` and only read afterwards.
    private nonisolated(unsafe) let base: UnsafeMutableRawPointer
    let count: Int

    /// What all frames of the process hold: they belong to no loop. One addition for each frame
    /// that is made, none for each peer that it goes to.
    static let liveByteCount = Atomic<Int>(0)

    /// - Parameters:
    ///   - count: the length of the frame, at least 1.
    ///   - fill: writes all of it.
    init(count: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
        self.count = count
        unsafe base = .allocate(byteCount: count, alignment: 16)
        Self.liveByteCount.wrappingAdd(count, ordering: .relaxed)
        unsafe fill(base)
    }

    deinit {
        unsafe base.deallocate()
        Self.liveByteCount.wrappingSubtract(count, ordering: .relaxed)
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
