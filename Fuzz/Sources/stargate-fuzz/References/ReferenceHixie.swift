// The frames of draft-hixie-76 section 5.3 (and of -75, section 4.2), read from all bytes at once,
// step by step as the text has them.

@testable import StargateCore

struct ReferenceHixie: Equatable {
    /// The text frames that ended.
    var messages: [[UInt8]] = []
    /// The text of the frame that did not.
    var open: [UInt8] = []
    var isClosed = false
    var violation: HixieViolation?

    init() {}

    init(_ bytes: [UInt8], hasClosingHandshake: Bool, frameByteCountMax: Int) {
        var place = 0
        while place < bytes.count {
            let type = bytes[place]
            place += 1
            if type < 0x80 {
                let end = bytes[place...].firstIndex(of: 0xFF)
                let frame = Array(bytes[place..<(end ?? bytes.count)])
                if type == 0 {
                    if end == nil { open = frame } else { messages.append(frame) }
                } else if frame.count > frameByteCountMax {
                    violation = .frameTooBig
                    return
                }
                guard let end else { return }
                place = end + 1
                continue
            }
            var length = 0
            var groups = 0
            while true {
                guard place < bytes.count else { return }
                let byte = bytes[place]
                place += 1
                groups += 1
                length = length * 128 + Int(byte % 128)
                if length > frameByteCountMax {
                    violation = .frameTooBig
                    return
                }
                if byte < 128 { break }
                if groups == 5 {
                    violation = .lengthPrefixTooLong
                    return
                }
            }
            if length == 0, type == 0xFF, hasClosingHandshake {
                isClosed = true
                return
            }
            place += length
        }
    }
}
