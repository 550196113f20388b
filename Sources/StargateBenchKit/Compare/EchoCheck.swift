// Whether a server is an echo server at all: nobody is measured who does not answer every message
// with the same bytes.

internal import Glibc
internal import StargateCore

/// The check that every server has to pass before it is measured.
enum EchoCheck {
    /// Lengths at which the frame's header, usual buffers, or both change.
    static let sizes = [
        1, 2, 125, 126, 127, 128, 1000, 4095, 4096, 4097, 16_383, 16_384, 16_385, 65_535, 65_536,
        65_537, 100_000, 131_072, 262_144, 300_000,
    ]

    /// Sends text and binary messages of 20 sizes, a burst, and a ping.
    ///
    /// - Returns: what is wrong; nil if nothing is.
    static func problem(url: String, cores: CoreSet?) -> String? {
        // So many messages that each size is among them; the order follows from the seed.
        let mix = sizes.map { "\($0):1" }.joined(separator: ",")
        let runs = [
            ["--size-mix", mix, "-c", "2", "-n", "300"],
            ["--size-mix", mix, "-c", "2", "-n", "300", "--text", "ascii"],
            ["-s", "126", "-c", "1", "-n", "4", "--text", "mixed"],
            ["-s", "300000", "-c", "1", "-n", "4", "--text", "mixed"],
            ["-s", "20", "-c", "4", "-p", "256", "-n", "4096"],
        ]
        for options in runs {
            let arguments =
                ["echo"] + options + ["--timeout", "5s", "--quiet", "--json=-", url]
            do {
                _ = try ClientRun.report(arguments, cores: cores)
            } catch {
                return "echo \(options.joined(separator: " ")): \(error)"
            }
        }
        return answersPings(url: url) ? nil : "it does not answer a ping"
    }

    /// Whether a ping comes back as a pong with the same payload. RFC 6455 section 5.5.3.
    private static func answersPings(url: String) -> Bool {
        guard let loops = try? LoopGroup(count: 1), let mailbox = loops.mailboxes.first else {
            return false
        }
        defer { loops.stopBlocking() }
        let inbox = Inbox<Bool>()
        mailbox.post { loop in
            guard let request = try? ClientRequest(url: url) else { return inbox.put(false) }
            let pinger = Pinger(inbox: inbox)
            WebSocketClient.connect(request, on: loop, handler: pinger) { result in
                if case .failure = result { inbox.put(false) }
            }
        }
        return inbox.take(1, timeoutMilliseconds: 5_000)?.first ?? false
    }
}

/// Sends one ping and tells whether its answer was right.
private final class Pinger: WebSocketHandler {
    private static let payload = Array("are you there?".utf8)
    private let inbox: Inbox<Bool>

    init(inbox: Inbox<Bool>) {
        self.inbox = inbox
    }

    func opened(_ socket: WebSocket) {
        socket.ping(Self.payload.span.bytes)
    }

    func received(_ message: Message, on socket: WebSocket) {}

    func ponged(_ payload: RawSpan, on socket: WebSocket) {
        let received = payload.withUnsafeBytes { Array($0) }
        inbox.put(received == Self.payload)
        socket.close()
    }
}
