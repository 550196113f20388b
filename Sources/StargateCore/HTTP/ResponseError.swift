/// An error that knows how its request is to be answered. Thrown by the closure of a route, it
/// becomes that answer; any other error becomes 500 and a line in the log.
public protocol ResponseError: Error {
    /// What the client is told. The connection is closed behind it.
    var response: Response { get }
}

/// Refuses a request from anywhere below a route's closure.
///
///     guard let user = try await users.find(token) else { throw Rejection(.unauthorized) }
public struct Rejection: ResponseError, Sendable {
    /// What the client is told.
    public var response: Response

    /// Refuses with a response.
    public init(_ response: Response) { self.response = response }

    /// Refuses with a status.
    ///
    /// - Parameters:
    ///   - status: 200 or more.
    ///   - headers: further fields of the response.
    ///   - body: plain text.
    public init(
        _ status: HTTPStatus,
        headers: [(name: String, value: String)] = [],
        body: String = ""
    ) {
        response = .text(body, status: status)
        response.headers.append(contentsOf: headers)
    }
}
