/// Why a server could not be started.
public struct ServerError: Error, Sendable, CustomStringConvertible {
    /// The kinds of reasons a program may want to tell apart.
    public enum Kind: Sendable, Equatable {
        /// Somebody else listens on that address.
        case addressInUse
        /// The address is not one of this machine, or not an address.
        case badAddress
        /// The system forbids it: a port below 1024, or a directory that is not writable.
        case permissionDenied
        /// What was given to be listened on is no listening socket.
        case badListener
        /// A certificate, a key or a file of authorities is no good, or TLS cannot be set up.
        case badCertificate
        /// A route was given twice, or its pattern is malformed.
        case badRoute
        /// The server was started before, or has been stopped.
        case notStartable
        /// Anything else the operating system reports.
        case system
    }

    /// What kind of reason it is.
    public let kind: Kind
    /// A sentence for people, with the address it is about.
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
