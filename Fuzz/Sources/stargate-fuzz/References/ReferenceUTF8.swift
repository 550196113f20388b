/// UTF-8 as the standard library knows it.
enum ReferenceUTF8 {
    static func isValid(_ bytes: [UInt8]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    /// Whether some bytes behind these would make them valid: tried out, with every kind of
    /// continuation byte that the table of RFC 3629 section 4 tells apart.
    static func mayGoOn(_ bytes: [UInt8]) -> Bool {
        if isValid(bytes) { return true }
        let kinds: [UInt8] = [0x80, 0x90, 0xA0, 0xBF]
        for first in kinds {
            if isValid(bytes + [first]) { return true }
            for second in kinds {
                if isValid(bytes + [first, second]) { return true }
                for third in kinds where isValid(bytes + [first, second, third]) { return true }
            }
        }
        return false
    }
}
