// Looking fields up in a head that is still borrowed. A walk over a dozen fields costs less than
// any table of them would, and most requests are asked for five or six.

/// What a head holds of a field that it may have once.
enum SoleField: Equatable {
    case none
    case one(HeadRange)
    case several
}

extension HeadView {
    /// The number of fields.
    var fieldCount: Int { unsafe fields.count }

    /// Whether a field has this name; case does not matter. RFC 9110 section 5.1.
    @inline(__always)
    func field(_ field: HeadField, isNamed name: StaticString) -> Bool {
        // Most fields have another length, and that needs no look at the bytes.
        guard Int(field.name.count) == name.utf8CodeUnitCount else { return false }
        return unsafe ASCII.equalsIgnoringCase(slice(field.name), name)
    }

    /// The value of the first field with this name.
    func firstValue(of name: StaticString) -> HeadRange? {
        for index in 0..<fieldCount {
            let candidate = unsafe fields[index]
            if field(candidate, isNamed: name) { return candidate.value }
        }
        return nil
    }

    /// The value of the field with this name, when there is exactly one.
    func soleField(_ name: StaticString) -> SoleField {
        var found = SoleField.none
        for index in 0..<fieldCount {
            let candidate = unsafe fields[index]
            guard field(candidate, isNamed: name) else { continue }
            guard case .none = found else { return .several }
            found = .one(candidate.value)
        }
        return found
    }

    /// Calls with the value of every field of this name, in order, until the body returns false.
    func forEachValue(of name: StaticString, _ body: (HeadRange) -> Bool) {
        for index in 0..<fieldCount {
            let candidate = unsafe fields[index]
            if field(candidate, isNamed: name), !body(candidate.value) { return }
        }
    }
}
