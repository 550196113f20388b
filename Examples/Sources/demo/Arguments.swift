/// What the demo was asked for on its command line.
struct Arguments {
    var host = "127.0.0.1"
    var port = 9001
    /// The certificate and its key, in PEM files; without them the demo does without TLS.
    var certificate: String?
    var key: String?

    /// The reason for which a command line was refused.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    init(_ words: some Sequence<String>) throws(Refusal) {
        var words = words.makeIterator()
        while let name = words.next() {
            guard let value = words.next() else {
                throw Refusal(description: "\(name) needs a value")
            }
            switch name {
            case "--host": host = value
            case "--tls-cert": certificate = value
            case "--tls-key": key = value
            case "--port":
                guard let number = Int(value), (0...65_535).contains(number) else {
                    throw Refusal(description: "a port is a number up to 65535, not \(value)")
                }
                port = number
            default:
                throw Refusal(
                    description:
                        "demo [--host HOST] [--port PORT] [--tls-cert FILE --tls-key FILE], "
                        + "not \(name)"
                )
            }
        }
        guard (certificate == nil) == (key == nil) else {
            throw Refusal(description: "--tls-cert and --tls-key go together")
        }
    }
}
