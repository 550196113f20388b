// Which host a request is meant for. It decides what "the same origin" is, and so it must be
// there, once, and be well-formed, before anybody asks. RFC 9112 section 3.2.

/// The checks of the Host field, and of the host in a target that has one.
enum HostHeader {
    /// What is wrong with the host of a request; `nil` when nothing is.
    static func validate(_ view: HeadView, _ head: RequestHead) -> HTTPRefusal? {
        switch view.soleField("host") {
        case .none: HeadFault.missingHost.refusal
        case .several: HeadFault.duplicateHost.refusal
        case .one(let range):
            isWellFormed(view, range)
                && head.target.authority.map { isWellFormed(view, $0) } != false
                ? nil : HeadFault.badHost.refusal
        }
    }

    /// The host with its port, if one was sent: the one in the target goes before the field.
    static func effectiveHost(_ view: HeadView, _ head: RequestHead) -> HeadRange? {
        head.target.authority ?? view.firstValue(of: "host")
    }

    private static func isWellFormed(_ view: HeadView, _ range: HeadRange) -> Bool {
        unsafe isWellFormed(view.slice(range))
    }

    /// A registered name, an IPv4 address or an IPv6 address in brackets; then, perhaps, a colon
    /// and a port of at most 65,535. RFC 3986 section 3.2, without user names.
    static func isWellFormed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = unsafe bytes.first else { return false }
        var end = 0
        if first == UInt8(ascii: "[") {
            guard let close = unsafe bytes.firstIndex(of: UInt8(ascii: "]")), close > 2 else {
                return false
            }
            guard unsafe bytes[1..<close].allSatisfy(isAddressByte) else { return false }
            end = close &+ 1
        } else {
            while end < bytes.count, unsafe isNameByte(bytes[end]) { end &+= 1 }
            guard end > 0 else { return false }
        }
        guard end < bytes.count else { return true }
        guard unsafe bytes[end] == HeadByte.colon else { return false }
        return unsafe isPort(bytes, from: end &+ 1)
    }

    /// Digits that make at most 65,535, or none at all: RFC 3986 allows a colon without a port.
    private static func isPort(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        var port = 0
        for index in start..<bytes.count {
            let byte = unsafe bytes[index]
            guard HeadByte.isDigit(byte) else { return false }
            port = port &* 10 &+ Int(truncatingIfNeeded: byte &- UInt8(ascii: "0"))
            guard port <= Int(UInt16.max) else { return false }
        }
        return true
    }

    /// Unreserved bytes, the percent sign of an escape, and sub-delimiters.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        if HeadByte.isLetter(byte) || HeadByte.isDigit(byte) { return true }
        return switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        case UInt8(ascii: "%"), UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"): true
        case UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"): true
        case UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="): true
        default: false
        }
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        HeadByte.hexValue(byte) != nil || byte == HeadByte.colon || byte == UInt8(ascii: ".")
    }
}
