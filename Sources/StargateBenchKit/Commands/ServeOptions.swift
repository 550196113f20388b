// What `serve` takes for its protocol versions and its compression.

internal import ArgumentParser
internal import StargateCore

/// The value of `--protocols`.
struct ProtocolList: ExpressibleByArgument, Equatable {
    let set: ProtocolSet

    private static let names: KeyValuePairs<String, ProtocolSet> = [
        "default": .default, "all": .all, "rfc6455": .rfc6455, "hybi8": .hybi8, "hybi7": .hybi7,
        "hixie76": .hixie76, "hixie75": .hixie75,
    ]

    init(set: ProtocolSet) {
        self.set = set
    }

    /// Names with commas between them; nil if one is unknown.
    init?(argument: String) {
        var set: ProtocolSet = []
        for name in argument.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
            guard let entry = Self.names.first(where: { $0.key == name }) else { return nil }
            set.formUnion(entry.value)
        }
        self.set = set
    }

    var defaultValueDescription: String {
        Self.names.first { $0.value == set }?.key ?? set.versionList
    }
}

/// The value of `--protocol`: one generation, for a client to speak.
struct ProtocolName: ExpressibleByArgument, Equatable {
    let version: ProtocolVersion

    init(version: ProtocolVersion) {
        self.version = version
    }

    init?(argument: String) {
        let name = argument.lowercased()
        guard let known = ProtocolVersion.allCases.first(where: { "\($0)" == name }) else {
            return nil
        }
        version = known
    }

    var defaultValueDescription: String { String(describing: version) }

    static var allValueStrings: [String] {
        ProtocolVersion.allCases.reversed().map { String(describing: $0) }
    }
}

/// The value of `--tier`: what the echo is written with.
enum ServedTier: String, ExpressibleByArgument, CaseIterable {
    case callback
    case structured
}

/// The value of `--deflate`, of a server and of a client.
enum DeflateMode: String, ExpressibleByArgument, CaseIterable {
    case off
    case shared
    case dedicated

    /// What a server agrees to.
    var compression: PerMessageDeflate? {
        switch self {
        case .off: nil
        case .shared: .shared
        case .dedicated: .dedicated
        }
    }

    /// What a client offers. With contexts that last it is what browsers offer: no window is asked
    /// for, so that every server takes those it was made for.
    var offer: PerMessageDeflate? {
        switch self {
        case .off: nil
        case .shared: .shared
        case .dedicated: PerMessageDeflate()
        }
    }
}
