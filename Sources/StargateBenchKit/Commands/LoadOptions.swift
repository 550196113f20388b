// How much load, and of what: the options that modes with messages share.

internal import ArgumentParser

/// `-c`, `-p`, rates and the pace at which a run begins.
struct PaceOptions: ParsableArguments {
    @Option(
        name: [.customShort("R"), .customShort("q"), .customLong("rate")],
        help: """
            Messages a second altogether, sent when they are due whatever the server does: an open \
            loop. Latency then counts from the due time.
            """
    )
    var rate: Double?

    @Option(help: "The same for each connection.")
    var ratePerConn: Double?

    @Option(help: "Let the load begin over so long a time; measured is what comes after.")
    var ramp = TimeSpan.zero

    func validate() throws {
        if rate != nil, ratePerConn != nil {
            throw ValidationError("--rate and --rate-per-conn exclude each other")
        }
        for value in [rate, ratePerConn].compactMap({ $0 }) {
            guard value > 0, value <= 1e9 else {
                throw ValidationError("--rate is more than 0 and at most a billion")
            }
        }
    }

    func rate(connections: Int) -> Double? {
        rate ?? ratePerConn.map { $0 * Double(connections) }
    }
}

/// What messages look like.
struct MessageOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "Bytes in a message: 20, 512, 16k, 1m. (default: 20)")
    var size: ByteCount?

    @Option(
        help: ArgumentHelp(
            "Several sizes with their weights: 20:70,512:25,16k:5.",
            valueName: "size:weight,..."
        )
    )
    var sizeMix: SizeMix?

    @Option(
        defaultAsFlag: TextKind.ascii,
        help: ArgumentHelp(
            """
            Send text: ascii, mixed (characters of one to four bytes), or json (lines of JSON). \
            Without it, binary.
            """,
            valueName: "ascii|mixed|json"
        )
    )
    var text: TextKind?

    @Flag(help: "Send binary messages, which is the default.")
    var binary = false

    @Option(
        name: [.customLong("message"), .customLong("body-file")],
        help: ArgumentHelp(
            "Send what is in this file, again and again; the order of echoes cannot be checked.",
            valueName: "file"
        )
    )
    var file: String?

    @Option(help: "How much of the echoes to compare: full, sample (one in 64), off.")
    var check = CheckMode.full

    @Option(help: "Equal seeds send equal payloads.")
    var seed: UInt64 = 1

    func validate() throws {
        if let size, size.bytes > 1 << 30 { throw ValidationError("--size is at most 1 GiB") }
        if binary, text != nil { throw ValidationError("--text and --binary exclude each other") }
        if [size != nil, sizeMix != nil, file != nil].filter({ $0 }).count > 1 {
            throw ValidationError("--size, --size-mix and --message exclude each other")
        }
        if sizeMix != nil, text == .mixed {
            throw ValidationError("--size-mix goes with binary messages and ASCII text")
        }
    }

    /// The payloads.
    ///
    /// - Parameters:
    ///   - isTextOnly: the protocol knows no binary messages.
    ///   - inFlight: how many of one connection are under way at a time.
    /// - Returns: all of them, made beforehand.
    /// - Throws: `ValidationError` for a file that cannot be sent.
    func deck(isTextOnly: Bool, inFlight: Int) throws -> PayloadDeck {
        let isText = text != nil || isTextOnly
        if let file {
            guard let content = ProcFile.bytes(file) else {
                throw ValidationError("--message: \(file) cannot be read")
            }
            if isText, String(validating: content, as: UTF8.self) == nil {
                throw ValidationError("--message: \(file) is not UTF-8, so it cannot be text")
            }
            return PayloadDeck(content: content, isText: isText)
        }
        let kind: PayloadKind =
            switch text {
            case .ascii: .ascii
            case .mixed: .mixed
            case .json: .json
            case nil: isTextOnly ? .ascii : .binary
            }
        return PayloadDeck(
            kind: kind,
            messageSize: size?.bytes ?? 20,
            mix: sizeMix?.shares ?? [],
            inFlight: inFlight,
            seed: seed
        )
    }

    /// Notes the messages in the settings of a report.
    func describe(_ deck: PayloadDeck, in settings: inout SettingsReport) {
        settings.sizes = sizeMix?.shares ?? [SizeShare(bytes: deck.messageSize, weight: 1)]
        settings.payload = file ?? deck.kind.rawValue
        settings.check = check.rawValue
        settings.seed = seed
    }
}

/// The value of `--size-mix`.
struct SizeMix: ExpressibleByArgument, Equatable {
    let shares: [SizeShare]

    init?(argument: String) {
        var shares: [SizeShare] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let fields = part.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 2, let size = ByteCount(String(fields[0])),
                let weight = Int(fields[1]), (1...1_000_000).contains(weight),
                size.bytes <= 1 << 30
            else { return nil }
            shares.append(SizeShare(bytes: size.bytes, weight: weight))
        }
        guard !shares.isEmpty, shares.count <= 64 else { return nil }
        self.shares = shares
    }
}

extension CheckMode: ExpressibleByArgument {}
