// The server's address as the bench needs it besides the client: to find the process that listens
// there, and to refuse a mistyped URL before anything starts.

/// Scheme, host and port of a `ws://` URL.
struct TargetAddress: Equatable, Sendable {
    let isSecure: Bool
    let host: String
    let port: Int
    let url: String

    /// What is wrong with a URL.
    struct Problem: Error, CustomStringConvertible, Equatable {
        let description: String
    }

    init(_ text: String) throws(Problem) {
        let lowered = text.lowercased()
        let rest: Substring
        if lowered.hasPrefix("ws://") {
            (isSecure, rest) = (false, text.dropFirst(5))
        } else if lowered.hasPrefix("wss://") {
            (isSecure, rest) = (true, text.dropFirst(6))
        } else if !text.contains("/"), !text.contains(":") {
            // Echo is the default mode, so a mistyped mode is taken for its URL.
            throw Problem(
                description: "'\(text)' is neither a mode (see --help) nor a URL"
            )
        } else {
            throw Problem(
                description: "'\(text)' is not a WebSocket URL: write ws://HOST[:PORT]/PATH"
            )
        }
        var authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else {
            throw Problem(description: "'\(text)' holds a user name: send it as a header with -H")
        }
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else {
                throw Problem(
                    description: "'\(text)': the bracket of the IPv6 address is not closed"
                )
            }
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            authority = authority[authority.index(after: end)...]
        } else {
            let name = authority.prefix { $0 != ":" }
            host = String(name)
            authority = authority[name.endIndex...]
        }
        guard !host.isEmpty else {
            throw Problem(description: "'\(text)' names no host")
        }
        if authority.isEmpty {
            port = isSecure ? 443 : 80
        } else {
            guard authority.hasPrefix(":"), let number = UInt16(authority.dropFirst()), number > 0
            else {
                throw Problem(description: "'\(text)': the port is a number from 1 to 65535")
            }
            port = Int(number)
        }
        url = text
    }

    /// Whether the server runs on this machine, as far as the name tells.
    var isLoopback: Bool {
        host == "localhost" || host == "::1"
            || (host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == 0x2E || 0x30...0x39 ~= $0 })
    }
}
