/// An HTTP status code with its reason phrase. RFC 9110 section 15.
public struct HTTPStatus: Hashable, Sendable {
    /// The three digits.
    public let code: UInt16
    /// The words behind the digits; clients ignore them, people read them.
    public let reasonPhrase: String

    /// - Parameters:
    ///   - code: 100 to 999.
    ///   - reasonPhrase: visible ASCII and blanks; anything else is left out when it is sent.
    public init(code: UInt16, reasonPhrase: String = "") {
        // checked: statuses are the application's own, no peer sends one.
        precondition((100...999).contains(code), "an HTTP status has three digits, not \(code)")
        self.code = code
        self.reasonPhrase = reasonPhrase
    }

    /// Two statuses are the same when their codes are.
    public static func == (left: HTTPStatus, right: HTTPStatus) -> Bool { left.code == right.code }

    /// Hashes the code, as equality compares it.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }

    /// 200.
    public static let ok = HTTPStatus(code: 200, reasonPhrase: "OK")
    /// 201.
    public static let created = HTTPStatus(code: 201, reasonPhrase: "Created")
    /// 202.
    public static let accepted = HTTPStatus(code: 202, reasonPhrase: "Accepted")
    /// 204.
    public static let noContent = HTTPStatus(code: 204, reasonPhrase: "No Content")
    /// 301.
    public static let movedPermanently = HTTPStatus(code: 301, reasonPhrase: "Moved Permanently")
    /// 302.
    public static let found = HTTPStatus(code: 302, reasonPhrase: "Found")
    /// 304.
    public static let notModified = HTTPStatus(code: 304, reasonPhrase: "Not Modified")
    /// 307.
    public static let temporaryRedirect = HTTPStatus(code: 307, reasonPhrase: "Temporary Redirect")
    /// 400.
    public static let badRequest = HTTPStatus(code: 400, reasonPhrase: "Bad Request")
    /// 401.
    public static let unauthorized = HTTPStatus(code: 401, reasonPhrase: "Unauthorized")
    /// 403.
    public static let forbidden = HTTPStatus(code: 403, reasonPhrase: "Forbidden")
    /// 404.
    public static let notFound = HTTPStatus(code: 404, reasonPhrase: "Not Found")
    /// 405.
    public static let methodNotAllowed = HTTPStatus(code: 405, reasonPhrase: "Method Not Allowed")
    /// 408.
    public static let requestTimeout = HTTPStatus(code: 408, reasonPhrase: "Request Timeout")
    /// 409.
    public static let conflict = HTTPStatus(code: 409, reasonPhrase: "Conflict")
    /// 413.
    public static let contentTooLarge = HTTPStatus(code: 413, reasonPhrase: "Content Too Large")
    /// 414.
    public static let uriTooLong = HTTPStatus(code: 414, reasonPhrase: "URI Too Long")
    /// 417.
    public static let expectationFailed = HTTPStatus(
        code: 417,
        reasonPhrase: "Expectation Failed"
    )
    /// 422.
    public static let unprocessableContent = HTTPStatus(
        code: 422,
        reasonPhrase: "Unprocessable Content"
    )
    /// 426.
    public static let upgradeRequired = HTTPStatus(code: 426, reasonPhrase: "Upgrade Required")
    /// 429.
    public static let tooManyRequests = HTTPStatus(code: 429, reasonPhrase: "Too Many Requests")
    /// 431.
    public static let headerFieldsTooLarge = HTTPStatus(
        code: 431,
        reasonPhrase: "Request Header Fields Too Large"
    )
    /// 500.
    public static let internalServerError = HTTPStatus(
        code: 500,
        reasonPhrase: "Internal Server Error"
    )
    /// 503.
    public static let serviceUnavailable = HTTPStatus(
        code: 503,
        reasonPhrase: "Service Unavailable"
    )
    /// 505.
    public static let versionNotSupported = HTTPStatus(
        code: 505,
        reasonPhrase: "HTTP Version Not Supported"
    )
}

extension HTTPStatus: CustomStringConvertible {
    /// As on the status line: `404 Not Found`.
    public var description: String { "\(code) \(reasonPhrase)" }
}
