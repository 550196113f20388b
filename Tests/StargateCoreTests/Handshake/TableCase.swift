import Testing

@testable import StargateCore

/// One request and what the table that tells the generations apart says to it.
struct TableCase: Sendable, CustomTestStringConvertible {
    let row: Int
    let lines: [String]
    let outcome: Outcome
    let upgradeValue: String
    let protocols: ProtocolSet

    init(
        _ row: Int,
        _ lines: [String],
        _ outcome: Outcome,
        upgrade: String = "websocket",
        protocols: ProtocolSet = .all
    ) {
        self.row = row
        self.lines = lines
        self.outcome = outcome
        self.upgradeValue = upgrade
        self.protocols = protocols
    }

    var testDescription: String { "row \(row): \(lines.joined(separator: ", "))" }

    static let all: [TableCase] =
        malformedVersions + foreignVersions + spokenVersions + foreignDrafts + hixie76 + brokenKeys
        + strayFields + hixie75 + switchedOff

    private static let origin = "Origin: http://example.com"
    private static let bad = Outcome.refused(400)
    private static let badListing = Outcome.listing(400, "13, 8, 7")
    private static let listing = Outcome.listing(426, "13, 8, 7")

    private static func version(_ text: String) -> String { "Sec-WebSocket-Version: \(text)" }

    private static let malformedVersions: [TableCase] = {
        let texts = ["13, 8", "13x", "", "+13", "013", "13.0", "+07", "8 x"]
        var cases: [TableCase] = texts.map { TableCase(1, [version($0), sampleKey], badListing) }
        cases.append(TableCase(1, [version("13"), version("13"), sampleKey], badListing))
        cases.append(TableCase(1, [version("13"), version("8"), sampleKey], badListing))
        return cases
    }()

    private static let foreignVersions: [TableCase] = {
        let texts = [
            "0", "4", "6", "9", "12", "14", "99", "255", "256", "100000000000000000000", "-1",
            "-13",
            "0x13", "0x8", "1 3", "x13", "130", "١٣",
        ]
        var cases: [TableCase] = texts.map { TableCase(2, [version($0), sampleKey], listing) }
        cases.append(TableCase(2, [version("0"), sampleKey1, sampleKey2, origin], listing))
        let eight = [version("8"), sampleKey]
        cases.append(
            TableCase(2, eight, .listing(426, "13"), protocols: [.rfc6455, .hixie76])
        )
        let seven = [version("7"), sampleKey]
        cases.append(
            TableCase(2, seven, .listing(426, "13, 8"), protocols: [.rfc6455, .hybi8])
        )
        let thirteen = [version("13"), sampleKey]
        cases.append(
            TableCase(2, thirteen, .refused(426), protocols: [.hixie75, .hixie76])
        )
        return cases
    }()

    private static let spokenVersions: [TableCase] = {
        let versions: [(String, ProtocolVersion)] = [
            ("13", .rfc6455), ("8", .hybi8), ("7", .hybi7),
        ]
        var cases: [TableCase] = []
        for (text, spoken) in versions {
            let number = version(text)
            let draft = "Sec-WebSocket-Draft: 3"
            cases += [
                TableCase(3, [number, sampleKey], .accepted(spoken)),
                TableCase(3, ["sec-websocket-version:\t\(text) ", sampleKey], .accepted(spoken)),
                TableCase(3, [number, sampleKey], .accepted(spoken), upgrade: "WebSocket"),
                TableCase(3, [number, sampleKey], .accepted(spoken), protocols: .default),
                TableCase(
                    3,
                    [number, sampleKey, sampleKey1, sampleKey2, draft],
                    .accepted(spoken)
                ),
                TableCase(4, [number], bad),
                TableCase(4, [number, sampleKey1, sampleKey2, origin], bad),
                TableCase(4, [number, sampleKey, sampleKey], bad),
                TableCase(4, [number, "Sec-WebSocket-Key: AAAA"], bad),
                TableCase(4, [number, "Sec-WebSocket-Key:"], bad),
            ]
        }
        return cases
    }()

    private static let foreignDrafts: [TableCase] = {
        let zero = "Sec-WebSocket-Draft: 0"
        var cases: [TableCase] = ["1", "2", "3", "00", ""].map {
            TableCase(5, ["Sec-WebSocket-Draft: \($0)", sampleKey1, sampleKey2, origin], listing)
        }
        cases.append(TableCase(5, [zero, zero, sampleKey1, sampleKey2], listing))
        cases.append(TableCase(6, [sampleKey], listing))
        cases.append(TableCase(6, [sampleKey, sampleKey], listing))
        cases.append(TableCase(6, [sampleKey, sampleKey1, sampleKey2, origin], badListing))
        cases.append(TableCase(6, ["Sec-WebSocket-Key: x"], listing))
        return cases
    }()

    private static let hixie76: [TableCase] = [
        TableCase(7, [sampleKey1, sampleKey2, origin], .accepted(.hixie76), upgrade: "WebSocket"),
        TableCase(7, [sampleKey2, sampleKey1], .accepted(.hixie76)),
        TableCase(
            7,
            [sampleKey1, sampleKey2, "Sec-WebSocket-Draft: 0", "Content-Length: 8"],
            .accepted(.hixie76)
        ),
    ]

    private static let brokenKeys: [TableCase] = {
        var cases: [TableCase] = [
            TableCase(8, [sampleKey1, origin], bad, upgrade: "WebSocket"),
            TableCase(8, [sampleKey2, origin], bad, upgrade: "WebSocket"),
            TableCase(8, [sampleKey1, sampleKey1, sampleKey2, origin], bad, upgrade: "WebSocket"),
            TableCase(8, [sampleKey1, sampleKey2, sampleKey2, origin], bad, upgrade: "WebSocket"),
        ]
        for key in ["414654615", "4 @1  46546xW%0l 1 6", "9 9999999999", "a b", ""] {
            let first = ["Sec-WebSocket-Key1: \(key)", sampleKey2, origin]
            let second = [sampleKey1, "Sec-WebSocket-Key2: \(key)", origin]
            cases.append(TableCase(8, first, bad, upgrade: "WebSocket"))
            cases.append(TableCase(8, second, bad, upgrade: "WebSocket"))
        }
        return cases
    }()

    private static let strayFields: [TableCase] = {
        let names = [
            "Protocol: x", "Extensions: x", "Origin: x", "Accept: x", "Foo: x", "Draft: 0",
        ]
        return names.map {
            TableCase(9, ["Sec-WebSocket-\($0)", origin], bad, upgrade: "WebSocket")
        }
    }()

    private static let hixie75: [TableCase] = [
        TableCase(10, [origin], .accepted(.hixie75), upgrade: "WebSocket"),
        TableCase(
            10,
            [origin, "WebSocket-Protocol: sample", "Cookie: a=b"],
            .accepted(.hixie75),
            upgrade: "WebSocket"
        ),
        TableCase(11, [origin], badListing),
        TableCase(11, [origin], badListing, upgrade: "WEBSOCKET"),
        TableCase(11, [], badListing),
        TableCase(12, [], bad, upgrade: "WebSocket"),
        TableCase(12, ["Origin:"], bad, upgrade: "WebSocket"),
    ]

    private static let switchedOff: [TableCase] = [
        TableCase(13, [origin], listing, upgrade: "WebSocket", protocols: .default),
        TableCase(13, [sampleKey1, sampleKey2, origin], listing, protocols: .default),
        TableCase(
            13,
            [sampleKey1, sampleKey2, origin],
            listing,
            protocols: [.rfc6455, .hybi8, .hybi7, .hixie75]
        ),
        TableCase(13, [origin], .refused(426), upgrade: "WebSocket", protocols: .hixie76),
    ]
}
