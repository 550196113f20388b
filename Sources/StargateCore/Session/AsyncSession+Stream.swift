// A message that leaves in parts: each is a frame of its own. RFC 6455 section 5.4.

extension AsyncSession {
    nonisolated(nonsending) func stream<Result>(
        _ opcode: Opcode,
        compress: Bool,
        _ body: nonisolated(nonsending) (MessageWriter) async throws -> Result
    ) async throws -> Result {
        checkIsHere()
        while state.stream != nil { try await waitForWritable() }
        state.stream = FragmentStream(opcode: opcode, compress: compress)
        defer {
            state.stream = nil
            resumeWriters()
        }
        do {
            let result = try await body(MessageWriter(session: self))
            try finishStream()
            return result
        } catch {
            // Half a message is no message, and nothing else can be sent before its end.
            if state.stream?.hasBegun == true { socket?.close(.internalError) }
            throw error
        }
    }

    nonisolated(nonsending) func writePart(_ bytes: [UInt8]) async throws {
        checkIsHere()
        guard state.stream != nil else { throw closedError }
        guard !bytes.isEmpty else { return }
        if socket?.protocolVersion.isHixie == true {
            state.stream?.collected += bytes
            return
        }
        if needsToWait(bytes.count) { try await waitForRoom(bytes.count) }
        try unsafe sendPart(bytes.span.bytes, isFinal: false)
        await yieldIfLong(bytes.count)
    }

    private func sendPart(_ bytes: RawSpan, isFinal: Bool) throws {
        guard let stream = state.stream, let current = socket?.current else { throw closedError }
        let result = unsafe bytes.withUnsafeBytes {
            unsafe current.sendFragment(
                $0,
                stream.opcode,
                isFinal: isFinal,
                mayCompress: stream.compress
            )
        }
        try check(result)
        state.stream?.hasBegun = true
    }

    private func finishStream() throws {
        guard let stream = state.stream, let socket else { throw closedError }
        if socket.protocolVersion.isHixie {
            guard stream.opcode == .text else { return try check(.unsupported) }
            return try check(socket.send(String(decoding: stream.collected, as: UTF8.self)))
        }
        let nothing: [UInt8] = []
        try unsafe sendPart(nothing.span.bytes, isFinal: true)
    }
}
