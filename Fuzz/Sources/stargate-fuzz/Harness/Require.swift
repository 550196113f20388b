// How a target says that something is wrong: the process ends, and libFuzzer writes the input down.

/// Ends the run unless the condition holds.
@inline(__always)
func require(
    _ condition: Bool,
    _ message: @autoclosure () -> String,
    file: StaticString = #file,
    line: UInt = #line
) {
    if !condition { fatalError(message(), file: file, line: line) }
}

/// Ends the run unless both are equal.
@inline(__always)
func requireEqual<Value: Equatable>(
    _ found: Value,
    _ expected: Value,
    _ subject: @autoclosure () -> String,
    file: StaticString = #file,
    line: UInt = #line
) {
    if found != expected {
        let message = "\(subject()): \(shortened(found)), and not \(shortened(expected))"
        fatalError(message, file: file, line: line)
    }
}

/// What is found can be a megabyte.
private func shortened(_ value: some Any) -> String {
    let text = String(describing: value)
    return text.count > 400 ? text.prefix(400) + " (and more)" : text
}
