// What a server has written, read by the text of RFC 9112 and of the protocol that its 101 response
// begins. Ends the run at the first byte that is out of place.

@testable import StargateCore

struct ReferenceOutput: Equatable {
    struct Response: Equatable {
        var status: Int
        var body: [UInt8]
    }

    struct Frame: Equatable {
        var opcode: UInt8
        /// Inflated.
        var payload: [UInt8]
    }

    private(set) var responses: [Response] = []
    /// Of the hixie drafts, text frames have opcode 1 and their closing frame 8.
    private(set) var frames: [Frame] = []

    /// - Parameters:
    ///   - bytes: all that was written.
    ///   - mayOmitBodies: whether there was a request with HEAD among those that were answered.
    ///   - isCut: whether the connection was cut, so that the end may be missing.
    init(_ bytes: [UInt8], mayOmitBodies: Bool, isCut: Bool) {
        read(bytes, mayOmitBodies: mayOmitBodies, isCut: isCut)
    }

    private mutating func read(_ bytes: [UInt8], mayOmitBodies: Bool, isCut: Bool) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let head = ReferenceHeadReader.response(Array(rest), .default) else {
                return require(isCut, "what was written is no response: \(Array(rest.prefix(80)))")
            }
            rest = rest.dropFirst(head.byteCount)
            let status = Int(String(decoding: head.startLine[1], as: UTF8.self)) ?? 0
            if status == 101 {
                responses.append(Response(status: status, body: []))
                return readFrames(rest, behind: head, isCut: isCut)
            }
            // RFC 9110 section 15.2: an interim response has no body, and another one follows.
            if status < 200 {
                responses.append(Response(status: status, body: []))
                continue
            }
            let lengths = head.values("content-length")
            requireEqual(lengths.count, 1, "the number of Content-Length fields")
            let length = Int(lengths[0]) ?? -1
            require(length >= 0, "Content-Length: \(lengths[0])")
            let isOmitted = mayOmitBodies && (rest.isEmpty || rest.starts(with: "HTTP/1.1 ".utf8))
            require(
                rest.count >= length || isOmitted || isCut,
                "a body of \(rest.count), not \(length)"
            )
            let body = isOmitted ? [] : Array(rest.prefix(length))
            responses.append(Response(status: status, body: body))
            rest = rest.dropFirst(body.count)
            if head.values("connection").contains(where: { $0.lowercased().contains("close") }) {
                require(rest.isEmpty, "more after the last response")
            }
        }
    }

    private mutating func readFrames(
        _ bytes: ArraySlice<UInt8>,
        behind head: ReferenceHead,
        isCut: Bool
    ) {
        if !head.values("sec-websocket-accept").isEmpty {
            return readFrames(bytes, head.values("sec-websocket-extensions"), isCut: isCut)
        }
        let hasChallenge = !head.values("sec-websocket-location").isEmpty
        require(hasChallenge || !head.values("websocket-location").isEmpty, "a 101 of no version")
        let answerByteCount = hasChallenge ? 16 : 0
        require(bytes.count >= answerByteCount || isCut, "the challenge is not answered")
        readHixieFrames(bytes.dropFirst(answerByteCount), hasClosing: hasChallenge, isCut: isCut)
    }

    /// RFC 6455 section 5.2, and RFC 7692.
    private mutating func readFrames(
        _ bytes: ArraySlice<UInt8>,
        _ extensions: [String],
        isCut: Bool
    ) {
        requireEqual(extensions.count, min(1, extensions.count), "fields with extensions")
        let deflate = extensions.first.map { ScriptedDeflate(PerMessageDeflate(), answer: $0) }
        let decoder = ReferenceFrameDecoder(
            isServer: false,
            mayCompress: deflate != nil,
            payloadByteCountMax: 1 << 20
        )
        var rest = bytes
        while !rest.isEmpty {
            guard case .frame(let first, var payload, let byteCount) = decoder.decode(rest) else {
                return require(isCut, "what was written is no frame: \(decoder.decode(rest))")
            }
            require(first >= 128, "a fragment, which this handler never sends")
            require(!isClosed, "a frame after the Close frame")
            // A client with another window cannot judge what is in the frame.
            if first & 0x40 != 0, let inflater = deflate ?? nil {
                guard let inflated = inflater.inflate(payload) else {
                    return require(false, "what was written cannot be inflated")
                }
                payload = inflated
            }
            let opcode = first % 16
            if opcode == 1, first & 0x40 == 0 || deflate ?? nil != nil {
                require(ReferenceUTF8.isValid(payload), "text that is no UTF-8")
            }
            if opcode == 8 {
                require(payload.count != 1, "half a close code")
                require(ReferenceUTF8.isValid(Array(payload.dropFirst(2))), "a bad reason")
            }
            frames.append(Frame(opcode: opcode, payload: payload))
            rest = rest.dropFirst(byteCount)
        }
    }

    /// draft-hixie-76 section 5.3.
    private mutating func readHixieFrames(
        _ bytes: ArraySlice<UInt8>,
        hasClosing: Bool,
        isCut: Bool
    ) {
        var rest = bytes
        while let type = rest.popFirst() {
            require(!isClosed, "a frame after the closing frame")
            if type == 0xFF {
                require(hasClosing && rest.first == 0 || isCut, "a closing frame that is none")
                rest = rest.dropFirst()
                frames.append(Frame(opcode: 8, payload: []))
                continue
            }
            requireEqual(type, 0, "the type of a frame")
            guard let end = rest.firstIndex(of: 0xFF) else { return require(isCut, "half a frame") }
            let text = Array(rest[..<end])
            require(ReferenceUTF8.isValid(text), "text that is no UTF-8")
            frames.append(Frame(opcode: 1, payload: text))
            rest = rest[(end + 1)...]
        }
    }

    private var isClosed: Bool { frames.last?.opcode == 8 }
}

extension ReferenceHead {
    func values(_ name: String) -> [String] {
        fields.filter { String(decoding: $0.name, as: UTF8.self).lowercased() == name }.map {
            String(decoding: $0.value, as: UTF8.self)
        }
    }
}
