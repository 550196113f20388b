/// Why a client could not connect.
public struct ClientError: Error, Sendable, CustomStringConvertible {
    /// The kinds of reasons a program may want to tell apart.
    public enum Kind: Sendable, Equatable {
        /// The URL is malformed, or its scheme is not served.
        case badURL
        /// The request cannot be sent as it is: a header with a line end, a bad subprotocol.
        case badRequest
        /// The host's name is unknown.
        case unknownHost
        /// No TCP connection: the operating system's error number.
        case notConnected(Int32)
        /// No TLS connection: the server's certificate was not accepted, say.
        case tls(TLSError.Kind)
        /// The server answered with this HTTP status instead of 101.
        case refused(status: Int)
        /// The server's answer breaks the protocol.
        case invalidResponse
        /// The server ended the connection before it answered.
        case closed
        /// It took too long.
        case timedOut
        /// The loop was stopped, or the attempt was given up.
        case cancelled
    }

    /// What kind of reason it is.
    public let kind: Kind
    /// A sentence for people.
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
