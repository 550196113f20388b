@testable import StargateCore

/// The PROXY header, versions 1 and 2, as it arrives: in pieces, against the reference.
func fuzzProxyHeader(_ input: consuming FuzzInput) {
    let form = input.byte() % 4
    let cuts = input.cuts()
    let bytes = header(&input, form)
    let expected = ReferenceProxy(bytes, byteCountMax: ProxyHeader.byteCountMax)
    requireEqual(scan(bytes), expected, "at once")
    // A connection looks at all that has arrived, each time that something does, until it knows.
    for end in bytes.withUnsafeBytes({ cuts.ends(of: $0.count) }) {
        let found = scan(Array(bytes[..<end]))
        if found == .incomplete { continue }
        return requireEqual(found, expected, "in pieces of \(cuts.lengths), after \(end) bytes")
    }
    requireEqual(expected, bytes.isEmpty ? .incomplete : scan(bytes), "in the end")
    require(bytes.count < ProxyHeader.byteCountMax || expected != .incomplete, "never known")
}

/// Any bytes, or what the fuzzer would find by chance only: a length that is right, and a checksum.
private func header(_ input: inout FuzzInput, _ form: UInt8) -> [UInt8] {
    switch form {
    case 0: return Array(input.rest())
    case 1: return ReferenceProxy.word + input.rest()
    default:
        let command = input.byte()
        let family = input.byte()
        var body = Array(input.rest())
        if form == 3 { body += [3, 0, 4, 0, 0, 0, 0] }
        let length = [UInt8(body.count >> 8 & 0xFF), UInt8(body.count & 0xFF)]
        var header = ReferenceProxy.signature + [command, family] + length + body
        if form == 3 {
            header.replaceSubrange((header.count - 4)..., with: ReferenceProxy.checksum(header))
        }
        return header
    }
}

/// What the engine finds, in the reference's words.
private func scan(_ bytes: [UInt8]) -> ReferenceProxy {
    switch bytes.withUnsafeBytes({ ProxyHeader.scan($0) }) {
    case .incomplete: return .incomplete
    case .invalid: return .invalid
    case .complete(let header):
        let addresses = header.addresses.map {
            ReferenceProxy.Addresses(
                source: address($0.source),
                destination: address($0.destination)
            )
        }
        return .complete(addresses: addresses, byteCount: header.byteCount)
    }
}

private func address(_ address: SocketAddress) -> ReferenceProxy.Address {
    switch address.kind {
    case .ipv4(let bits, let port):
        return ReferenceProxy.Address(bytes: bytes(bits), port: Int(port))
    case .ipv6(let high, let low, let scope, let port):
        requireEqual(scope, 0, "the interface")
        return ReferenceProxy.Address(bytes: bytes(high) + bytes(low), port: Int(port))
    case .unix(let path):
        return ReferenceProxy.Address(bytes: Array(path.utf8), port: 0)
    }
}

private func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
}
