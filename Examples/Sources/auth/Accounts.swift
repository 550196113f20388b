import StargateCore

/// Who is logged in. A program would ask its database here.
actor Accounts {
    private var names: [String: String] = [:]

    /// The name in a form of one field, if it is one that is let in.
    static func name(inForm form: String) -> String? {
        guard form.hasPrefix("name=") else { return nil }
        let name = form.dropFirst(5)
        let isFit = (1...20).contains(name.count) && name.allSatisfy { $0.isASCII && $0.isLetter }
        return isFit ? String(name) : nil
    }

    /// Makes a token that nobody can guess.
    func logIn(_ name: String) -> String {
        var generator = SystemRandomNumberGenerator()
        let words: [UInt64] = [generator.next(), generator.next()]
        let token = words.map { String($0, radix: 36) }.joined(separator: "-")
        names[token] = name
        return token
    }

    /// Whose token this is, after as long as a database takes.
    func name(of token: String) async throws -> String? {
        // The client went, or was told 503, if this throws.
        try await Task.sleep(for: .milliseconds(20))
        return names[token]
    }
}

/// Greets the one it was made for, and repeats what it is told.
final class Greeter: WebSocketHandler {
    private let name: String

    init(_ name: String) { self.name = name }

    func opened(_ socket: WebSocket) { socket.send("hello \(name)") }

    func received(_ message: Message, on socket: WebSocket) { socket.send(message) }
}
