@testable import StargateCore

/// URLs, hosts, origins, escapes, queries and cookies: what is taken apart and put together again
/// is the same, and what both rooms think of a host is the same.
func fuzzURL(_ input: consuming FuzzInput) {
    let kind = input.byte() % 5
    let bytes = input.rest()
    let text = String(decoding: bytes, as: UTF8.self)
    switch kind {
    case 0: checkURL(text)
    case 1: checkAuthority(bytes)
    case 2: checkEscapes(bytes)
    case 3: checkQuery(bytes)
    default: checkCookie(text)
    }
}

private func checkURL(_ text: String) {
    guard let url = try? WebSocketURL(text) else { return }
    require(url.target.utf8.first == UInt8(ascii: "/"), "the target does not begin with a slash")
    require(
        url.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F },
        "the target would break the request line"
    )
    require(!url.host.isEmpty && url.port != 0, "nowhere to connect to")
    requireEqual(try? WebSocketURL(url.description), url, "read again")
    let host = Array(url.hostField.utf8)
    require(host.withUnsafeBytes { Authority(ByteView($0)) != nil }, "the Host field is malformed")
}

private func checkAuthority(_ bytes: UnsafeRawBufferPointer) {
    let authority = Authority(ByteView(bytes))
    if let authority {
        let port = authority.port.map { ":\($0)" } ?? ""
        let again = Array((authority.host.string + port).utf8)
        again.withUnsafeBytes { buffer in
            let read = Authority(ByteView(buffer))
            require(read?.host.equals(authority.host) == true, "another host, read again")
            requireEqual(read?.port, authority.port, "the port, read again")
        }
    }
    guard let origin = WebOrigin(ByteView(bytes)) else { return }
    require(!origin.scheme.isEmpty && !origin.host.isEmpty, "half an origin")
}

private func checkEscapes(_ bytes: UnsafeRawBufferPointer) {
    var expected: [UInt8] = []
    var left = Array(bytes)[...]
    while let byte = left.popFirst() {
        if byte == UInt8(ascii: "%"), left.count >= 2 {
            let digits = String(decoding: left.prefix(2), as: UTF8.self)
            let areDigits =
                digits.utf8.count == 2 && digits.allSatisfy { $0.isHexDigit && $0.isASCII }
            if areDigits, let value = UInt8(digits, radix: 16) {
                expected.append(value)
                left = left.dropFirst(2)
                continue
            }
        }
        expected.append(byte)
    }
    requireEqual(
        PercentDecoding.string(bytes),
        String(decoding: expected, as: UTF8.self),
        "decoded"
    )
    let plus = PercentDecoding.string(bytes, plusIsBlank: true)
    require(plus.utf8.count <= 3 * bytes.count, "decoding made it longer")
}

private func checkQuery(_ bytes: UnsafeRawBufferPointer) {
    let line = Array("GET /?".utf8) + Array(bytes) + Array(" HTTP/1.1\r\n\r\n".utf8)
    withUnsafeTemporaryAllocation(of: HeadField.self, capacity: 4) { fields in
        line.withUnsafeBytes { line in
            let scan = RequestHeadScanner.scan(
                line,
                previouslyScanned: 0,
                limits: .default,
                into: fields
            )
            guard case .complete(let head) = scan else { return }
            let view = HeadView(
                bytes: UnsafeRawBufferPointer(rebasing: line[..<head.byteCount]),
                fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
            )
            let query = Request(copying: view, head: head).query
            for (name, _) in query {
                let first = query.first { $0.name == name }
                requireEqual(query[name], first?.value, "the value of \(name)")
                requireEqual(
                    query.values(of: name),
                    query.filter { $0.name == name }.map(\.value),
                    "the values of \(name)"
                )
            }
        }
    }
}

/// A cookie of any value comes back as it was, and never breaks its line.
private func checkCookie(_ value: String) {
    guard
        let field = SetCookie("name", value, domain: value).fieldValue
            ?? SetCookie("name", value).fieldValue
    else { return require(false, "a cookie without attributes cannot be sent") }
    require(field.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }, "the line of the cookie breaks")
    let pair = field.prefix { $0 != ";" }
    let line = Array("GET / HTTP/1.1\r\nCookie: a=b; \(pair)\r\n\r\n".utf8)
    withUnsafeTemporaryAllocation(of: HeadField.self, capacity: 4) { fields in
        line.withUnsafeBytes { line in
            let scan = RequestHeadScanner.scan(
                line,
                previouslyScanned: 0,
                limits: .default,
                into: fields
            )
            guard case .complete(let head) = scan else {
                return require(false, "the request with the cookie is refused")
            }
            let view = HeadView(
                bytes: UnsafeRawBufferPointer(rebasing: line[..<head.byteCount]),
                fields: UnsafeBufferPointer(rebasing: fields[..<head.fieldCount])
            )
            let cookies = Request(copying: view, head: head).cookies
            requireEqual(cookies.decoded("name"), value, "the cookie")
        }
    }
}
