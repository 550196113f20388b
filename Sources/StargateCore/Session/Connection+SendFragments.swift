// A message that leaves in fragments: each is a frame of its own. Control frames may come between
// them, no other message may. RFC 6455 section 5.4.

extension Connection {
    /// Whether a message is being sent in fragments, and is not whole yet.
    var sendsFragments: Bool { state.flags.contains(.sendsFragments) }

    /// Sends the next fragment of a message, or the first one if none is being sent.
    ///
    /// - Parameters:
    ///   - fragment: copied, or written before this returns.
    ///   - opcode: text or binary; of the first fragment it counts, as `mayCompress` does.
    ///   - isFinal: whether the message ends with it.
    ///   - mayCompress: whether the message is compressed, where that was agreed on.
    /// - Returns: what became of it. What was dropped is not part of the message.
    func sendFragment(
        _ fragment: UnsafeRawBufferPointer,
        _ opcode: Opcode,
        isFinal: Bool,
        mayCompress: Bool
    ) -> SendResult {
        guard state.phase == .open else { return .dropped }
        guard !state.version.isHixie else { return .unsupported }
        let isFirst = !sendsFragments
        if isFirst, isFinal {
            return unsafe sendMessage(opcode, fragment, mayCompress: mayCompress)
        }
        // A dropped fragment must not be in the context that the peer builds up.
        guard hasRoom(for: fragment.count) else { return .dropped }
        if isFirst { beginFragments(isCompressed: mayCompress && state.compression != nil) }
        let firstByte = (isFinal ? 0x80 : 0) | (isFirst ? opcode : .continuation).rawValue
        let result = unsafe sendNextFragment(fragment, firstByte, isFirst: isFirst)
        if isFinal, result != .dropped { endFragments() }
        return result
    }

    private func beginFragments(isCompressed: Bool) {
        // All that is sent looks at the first flag, and then at the second.
        state.flags.formUnion([.isTransformed, .sendsFragments])
        if isCompressed { state.flags.insert(.compressesFragments) }
    }

    private func endFragments() {
        state.flags.subtract([.sendsFragments, .compressesFragments])
        if state.compression == nil { state.flags.remove(.isTransformed) }
        loop.state.counters[Counter.messagesSent] &+= 1
        // What was published meanwhile.
        askForAttention()
    }

    private func sendNextFragment(
        _ fragment: UnsafeRawBufferPointer,
        _ firstByte: UInt8,
        isFirst: Bool
    ) -> SendResult {
        guard state.flags.contains(.compressesFragments), let compression = state.compression
        else { return unsafe sendFrame(firstByte, fragment, isPromised: true) }
        // RFC 7692 section 6.1: RSV1 is set on the first fragment, and says so of all.
        let reserved: UInt8 = isFirst ? 0x40 : 0
        let result = unsafe compression.withCompressedFragment(
            fragment,
            isFinal: firstByte & 0x80 != 0
        ) { compressed in
            unsafe sendFrame(firstByte | reserved, compressed, isPromised: true)
        }
        accountCompression()
        if let result { return result }
        // No memory. A message that has not begun can still go as it is.
        guard isFirst else { return .dropped }
        state.flags.remove(.compressesFragments)
        return unsafe sendFrame(firstByte, fragment, isPromised: true)
    }
}
