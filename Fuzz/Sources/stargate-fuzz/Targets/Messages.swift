@testable import StargateCore

/// Frames scanned in pieces and put together by the assembler, against the reference.
func fuzzMessages(_ input: consuming FuzzInput) {
    let flags = input.byte()
    let decoder = ReferenceFrameDecoder(
        isServer: flags & 1 == 0,
        mayCompress: false,
        payloadByteCountMax: input.element(of: [0, 1, 10, 126, 300, 1 << 20])
    )
    let fragmentCountMax = input.number(in: 1...8)
    let cuts = input.cuts()
    let bytes = input.rest()
    let expected = ReferenceMessages(Array(bytes), decoder, fragmentCountMax: fragmentCountMax)
    for cuts in [cuts, Cuts(lengths: [])] {
        var receiver = Receiver(decoder, fragmentCountMax: fragmentCountMax)
        cuts.forEachPiece(of: bytes) { receiver.take(Array($0)) }
        requireEqual(receiver.found, expected, "what arrived in pieces of \(cuts.lengths)")
        receiver.end()
    }
}

/// Does with scanner and assembler what a connection does.
private struct Receiver {
    var found = ReferenceMessages()
    private var assembler = MessageAssembler()
    private var pool = BufferPool()
    private var pending: [UInt8] = []
    private let rules: FrameRules
    private let fragmentCountMax: Int

    init(_ decoder: ReferenceFrameDecoder, fragmentCountMax: Int) {
        rules = FrameRules(
            expectsMask: decoder.isServer,
            allowedReservedBits: 0,
            payloadByteCountMax: decoder.payloadByteCountMax
        )
        self.fragmentCountMax = fragmentCountMax
    }

    /// Takes in a read. Returns whether to go on.
    mutating func take(_ bytes: [UInt8]) -> Bool {
        pending += bytes
        while found.violation == nil {
            if let frame = assembler.partialFrame {
                let count = min(frame.remainingByteCount, pending.count)
                guard count > 0 else { return true }
                found.violation = pending[..<count].withUnsafeBytes {
                    assembler.append($0, pool: &pool)
                }
                pending.removeFirst(count)
            } else {
                guard takeHeader() else { return found.violation == nil }
            }
            deliver()
        }
        return false
    }

    /// Returns false when nothing can be done with what is there.
    private mutating func takeHeader() -> Bool {
        let scan = pending.withUnsafeBytes { buffer in
            buffer.baseAddress.map {
                FrameScanner.scan($0, available: buffer.count, rules: rules)
            } ?? .incomplete
        }
        switch scan {
        case .incomplete: return false
        case .violation(let violation):
            found.violation = violation
            return false
        case .complete(let header) where header.opcode.isControl:
            let byteCount = header.headerByteCount + header.payloadByteCount
            guard pending.count >= byteCount else { return false }
            var payload = Array(pending[header.headerByteCount..<byteCount])
            payload.withUnsafeMutableBytes { buffer in
                guard let base = buffer.baseAddress else { return }
                Masking.apply(base, count: buffer.count, key: header.maskingKey)
            }
            found.controls.append(
                ReferenceMessages.Message(opcode: header.opcode.rawValue, payload: payload)
            )
            pending.removeFirst(byteCount)
        case .complete(let header):
            pending.removeFirst(header.headerByteCount)
            found.violation = assembler.begin(
                header,
                messageByteCountMax: rules.payloadByteCountMax,
                fragmentCountMax: fragmentCountMax
            )
        }
        return true
    }

    private mutating func deliver() {
        guard found.violation == nil, assembler.isComplete, let opcode = assembler.opcode else {
            return
        }
        found.messages.append(
            ReferenceMessages.Message(
                opcode: opcode.rawValue,
                payload: Array(assembler.payload.bytes)
            )
        )
        assembler.reset(pool: &pool)
    }

    mutating func end() {
        assembler.reset(pool: &pool)
        requireEqual(pool.lentByteCount, 0, "what was lent and did not come back")
        pool.removeAll()
    }
}
