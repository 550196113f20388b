// Why a request is not served: the status, and a sentence for the person who reads the answer.
// The connection sends it, closes, and reads nothing more. See ResponseEncoder for the bytes.

/// A request that is answered with an error and the end of the connection.
struct HTTPRefusal: Error, Sendable {
    var status: HTTPStatus
    /// One sentence that says what is wrong; it becomes the body of the answer.
    var reason: String
    /// Header lines that the status calls for, such as `Allow` with 405.
    var headers: [(name: String, value: String)]

    init(_ status: HTTPStatus, _ reason: String, headers: [(name: String, value: String)] = []) {
        self.status = status
        self.reason = reason
        self.headers = headers
    }
}

extension HTTPRefusal {
    /// A resource that has no such method. RFC 9110 section 15.5.6: `Allow` is a must.
    static func methodNotAllowed(allowing methods: [HTTPMethod]) -> HTTPRefusal {
        let names = methods.map(\.name).joined(separator: ", ")
        return HTTPRefusal(
            .methodNotAllowed,
            "This resource answers \(names) only.",
            headers: [(name: "Allow", value: names)]
        )
    }
}
