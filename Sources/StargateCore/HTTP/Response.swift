// The answer to a plain HTTP request. The connection adds what belongs to the connection; see
// ResponseEncoder.

/// An answer to a request: a status, header fields and a body.
///
/// `Content-Length`, `Transfer-Encoding` and `Connection` are the connection's business: they are
/// written for you, and left out when you set them.
public struct Response: Sendable {
    /// The status line.
    public var status: HTTPStatus
    /// The header fields in the order they are sent.
    ///
    /// A field whose name is no token, or whose value holds a control byte other than a tab, is
    /// left out when the response is sent: text from a peer can never add a header of its own.
    public var headers: [(name: String, value: String)]
    /// The body; not sent in answer to HEAD, nor with 204 and 304.
    public var body: [UInt8]

    /// - Parameters:
    ///   - status: 200 to 999.
    ///   - headers: without those the connection writes.
    ///   - body: empty by default.
    public init(
        status: HTTPStatus = .ok,
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = []
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension Response {
    /// Plain text in UTF-8.
    public static func text(_ text: String, status: HTTPStatus = .ok) -> Response {
        .bytes(Array(text.utf8), contentType: "text/plain; charset=utf-8", status: status)
    }

    /// A page in UTF-8. Escape what a peer sent before it becomes part of it.
    public static func html(_ page: String, status: HTTPStatus = .ok) -> Response {
        .bytes(Array(page.utf8), contentType: "text/html; charset=utf-8", status: status)
    }

    /// JSON that is already text; it is not checked.
    public static func json(_ text: String, status: HTTPStatus = .ok) -> Response {
        .bytes(Array(text.utf8), contentType: "application/json", status: status)
    }

    /// Any bytes, with their media type.
    public static func bytes(
        _ body: [UInt8],
        contentType: String,
        status: HTTPStatus = .ok
    ) -> Response {
        Response(
            status: status,
            headers: [(name: "Content-Type", value: contentType)],
            body: body
        )
    }

    /// 404, with a sentence.
    public static var notFound: Response {
        .text("There is nothing here.\n", status: .notFound)
    }

    /// Sends the client to another address.
    ///
    /// - Parameters:
    ///   - location: a URL or a path, with its percent escapes.
    ///   - status: 302 by default; 301 is kept by clients, and 307 keeps the method.
    /// - Returns: a response without a body.
    public static func redirect(to location: String, status: HTTPStatus = .found) -> Response {
        Response(status: status, headers: [(name: "Location", value: location)])
    }
}
