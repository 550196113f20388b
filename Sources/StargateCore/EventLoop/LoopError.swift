internal import CUV

/// Why an event loop could not be started, in the operating system's words.
public struct LoopError: Error, Sendable, CustomStringConvertible {
    /// The error number, positive, as in `errno`.
    public let code: Int32
    /// A sentence for people.
    public let description: String

    /// - Parameter status: libuv's answer: a negative error number.
    init(_ status: Int32) {
        code = -status
        description = "the event loop cannot be started: \(systemErrorMessage(status))"
    }
}

/// libuv's words for one of its negative error numbers.
func systemErrorMessage(_ status: Int32) -> String {
    guard let text = unsafe uv_strerror(status) else { return "error \(status)" }
    return unsafe String(cString: text)
}
