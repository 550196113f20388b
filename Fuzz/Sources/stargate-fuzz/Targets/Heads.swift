@testable import StargateCore

/// Room for the fields of any head here.
private let fieldCapacity = 100

/// The scanner of requests: in pieces and at once it says the same, and what it says is what the
/// reference says.
func fuzzRequestHead(_ input: consuming FuzzInput) {
    let limits = limits(&input)
    let cuts = input.cuts()
    let bytes = input.rest()
    let expected = ReferenceHeadReader.request(Array(bytes), limits)
    withFields { fields in
        let whole = RequestHeadScanner.scan(
            bytes,
            previouslyScanned: 0,
            limits: limits,
            into: fields
        )
        requireEqual(describe(whole, bytes, fields), expected, "at once")
        var scanned = 0
        for end in cuts.ends(of: bytes.count) {
            let arrived = UnsafeRawBufferPointer(rebasing: bytes[..<end])
            let scan = RequestHeadScanner.scan(
                arrived,
                previouslyScanned: scanned,
                limits: limits,
                into: fields
            )
            switch scan {
            case .incomplete:
                scanned = end
                require(end < limits.headByteCount, "a head without end is waited for")
                continue
            case .complete: requireEqual(describe(scan, arrived, fields), expected, "in pieces")
            case .refused(let refusal):
                require(expected == nil, "refused in pieces: \(refusal.reason)")
                check(refusal)
            }
            return
        }
        require(expected == nil, "incomplete in pieces")
    }
}

private func describe(
    _ scan: RequestHeadScan,
    _ bytes: UnsafeRawBufferPointer,
    _ fields: UnsafeMutableBufferPointer<HeadField>
) -> ReferenceHead? {
    guard case .complete(let head) = scan else { return nil }
    let view = HeadView(
        bytes: UnsafeRawBufferPointer(rebasing: bytes[..<head.byteCount]),
        fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
    )
    use(view, head)
    let version = Array("HTTP/1.\(head.minorVersion)".utf8)
    return ReferenceHead(
        startLine: [
            Array(view.slice(head.methodName)), Array(view.slice(head.target.raw)), version,
        ],
        fields: describe(view),
        byteCount: head.byteCount
    )
}

private func describe(_ view: HeadView) -> [ReferenceHead.Field] {
    view.fields.map {
        ReferenceHead.Field(name: Array(view.slice($0.name)), value: Array(view.slice($0.value)))
    }
}

/// Everything that is made of a head before somebody decides about it.
private func use(_ view: HeadView, _ head: RequestHead) {
    let raw = view.slice(head.target.raw)
    let path = view.slice(head.target.path)
    requireEqual(path.first, UInt8(ascii: "/"), "the path's first byte")
    if raw.first == UInt8(ascii: "/") {
        let query = head.target.query.map { "?" + view.string($0) } ?? ""
        requireEqual(view.string(head.target.path) + query, view.string(head.target.raw), "target")
    }
    let request = Request(copying: view, head: head)
    requireEqual(request.headers.count, head.fieldCount, "the number of fields")
    _ = (HostHeader.validate(view, head), view.bodyFraming)
    _ = (request.path.utf8.count, request.query["a"], request.cookies["a"], request.host)
}

/// A refusal is one response that says that the connection ends.
private func check(_ refusal: HTTPRefusal) {
    let response = ResponseEncoder.encode(refusal)
    let reference = ReferenceHeadReader.response(response, .default)
    guard let reference else { return require(false, "the refusal is no response") }
    require(
        reference.fields.contains { $0.name == Array("Connection".utf8) },
        "the refusal does not say that the connection ends"
    )
    requireEqual(
        response.count - reference.byteCount,
        refusal.reason.utf8.count + 1,
        "the length of the body"
    )
}

/// The scanner of responses.
func fuzzResponseHead(_ input: consuming FuzzInput) {
    let limits = limits(&input)
    let cuts = input.cuts()
    let bytes = input.rest()
    let expected = ReferenceHeadReader.response(Array(bytes), limits)
    withFields { fields in
        let whole = ResponseHeadScanner.scan(
            bytes,
            previouslyScanned: 0,
            limits: limits,
            into: fields
        )
        requireEqual(describe(whole, bytes, fields), expected, "at once")
        var scanned = 0
        for end in cuts.ends(of: bytes.count) {
            let arrived = UnsafeRawBufferPointer(rebasing: bytes[..<end])
            let scan = ResponseHeadScanner.scan(
                arrived,
                previouslyScanned: scanned,
                limits: limits,
                into: fields
            )
            switch scan {
            case .incomplete:
                scanned = end
                require(end < limits.headByteCount, "a head without end is waited for")
                continue
            case .complete: requireEqual(describe(scan, arrived, fields), expected, "in pieces")
            case .malformed(let fault): require(expected == nil, "malformed in pieces: \(fault)")
            }
            return
        }
        require(expected == nil, "incomplete in pieces")
    }
}

private func describe(
    _ scan: ResponseHeadScan,
    _ bytes: UnsafeRawBufferPointer,
    _ fields: UnsafeMutableBufferPointer<HeadField>
) -> ReferenceHead? {
    guard case .complete(let head) = scan else { return nil }
    let view = HeadView(
        bytes: UnsafeRawBufferPointer(rebasing: bytes[..<head.byteCount]),
        fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
    )
    return ReferenceHead(
        startLine: [
            Array("HTTP/1.\(head.minorVersion)".utf8), Array("\(head.statusCode)".utf8),
            Array(view.slice(head.reasonPhrase)),
        ],
        fields: describe(view),
        byteCount: head.byteCount
    )
}

/// Small ones, so that short inputs reach them, and now and then the defaults.
private func limits(_ input: inout FuzzInput) -> HeadLimits {
    let flags = input.byte()
    if flags & 1 == 0 { return .default }
    return HeadLimits(
        headByteCount: input.number(in: 1...512),
        startLineByteCount: input.number(in: 1...128),
        fieldLineByteCount: input.number(in: 1...128),
        fieldCount: input.number(in: 0...8)
    )
}

private func withFields(_ body: (UnsafeMutableBufferPointer<HeadField>) -> Void) {
    withUnsafeTemporaryAllocation(of: HeadField.self, capacity: fieldCapacity) { fields in
        fields.initialize(repeating: HeadField(name: .empty, value: .empty))
        body(fields)
    }
}
