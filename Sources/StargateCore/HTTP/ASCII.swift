// Comparisons of protocol words, which are ASCII and whose case does not matter. Swift's own
// comparisons of strings know all of Unicode, and are slower and looser than the wire wants.

/// Comparisons of bytes as ASCII text.
enum ASCII {
    /// Whether both are the same but for the case of A to Z.
    static func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        return unsafe equalsIgnoringCase(
            bytes,
            UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        )
    }

    /// Whether both are the same but for the case of A to Z.
    static func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ text: String) -> Bool {
        guard bytes.count == text.utf8.count else { return false }
        var letters = text.utf8.makeIterator()
        for index in 0..<bytes.count {
            guard let letter = letters.next(),
                unsafe HeadByte.lowercased(bytes[index]) == HeadByte.lowercased(letter)
            else { return false }
        }
        return true
    }

    /// Whether both are the same.
    static func equals(_ bytes: UnsafeRawBufferPointer, _ text: String) -> Bool {
        guard bytes.count == text.utf8.count else { return false }
        var letters = text.utf8.makeIterator()
        for index in 0..<bytes.count {
            guard unsafe letters.next() == bytes[index] else { return false }
        }
        return true
    }

    /// Whether both are the same but for the case of A to Z.
    static func equalsIgnoringCase(
        _ left: UnsafeRawBufferPointer,
        _ right: UnsafeRawBufferPointer
    ) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count {
            let one = unsafe HeadByte.lowercased(left[index])
            let other = unsafe HeadByte.lowercased(right[index])
            if one != other { return false }
        }
        return true
    }
}
