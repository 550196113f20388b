import Testing

@testable import StargateBenchKit

@Suite struct FigureTests {
    @Test(arguments: [
        (0, "0 ns"), (870, "870 ns"), (1000, "1.00 us"), (12_345, "12.3 us"),
        (345_678, "346 us"), (999_600, "1.00 ms"), (4_560_000, "4.56 ms"),
        (1_230_000_000, "1.23 s"), (60_000_000_000, "60.0 s"),
    ])
    func `a time has three digits and a unit`(nanoseconds: Double, text: String) {
        #expect(Figure.time(nanoseconds) == text)
    }

    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (100_000, "100,000"),
    ])
    func `thousands are apart`(value: UInt64, text: String) {
        #expect(Figure.grouped(value) == text)
    }

    @Test(arguments: [
        (0.0, 2, "0.00"), (1.005, 1, "1.0"), (0.999, 2, "1.00"), (-1.25, 2, "-1.25"),
        (12.0, 0, "12"), (0.04, 1, "0.0"),
    ])
    func `decimals are rounded, not cut`(value: Double, decimals: Int, text: String) {
        #expect(Figure.fixed(value, decimals) == text)
    }

    @Test(arguments: [
        (0.0004, "0.0 %"), (0.05, "5.0 %"), (0.0996, "10 %"), (0.62, "62 %"), (1.0, "100 %"),
    ])
    func `shares are percentages`(share: Double, text: String) {
        #expect(Figure.percent(share) == text)
    }

    @Test(arguments: [
        (10_000_000_000, "10 s"), (1_500_000_000, "1.5 s"), (500_000_000, "500 ms"), (0, "0 ns"),
        (100_000_000_000, "100 s"),
    ])
    func `a chosen time has no idle zeros`(nanoseconds: UInt64, text: String) {
        #expect(Figure.span(nanoseconds) == text)
    }

    @Test func `figures that are none do not trap`() {
        #expect(Figure.fixed(.nan, 2) == "-")
        #expect(Figure.fixed(.infinity, 2) == "-")
        #expect(Figure.fixed(1e300, 2) == "1e+300")
    }

    @Test func `sizes are decimal, and nouns agree with their number`() {
        #expect(Figure.bytes(580) == "580 B")
        #expect(Figure.bytes(3_650_000) == "3.65 MB")
        #expect(Figure.counted(1, "loop") == "1 loop")
        #expect(Figure.counted(2000, "loop") == "2,000 loops")
    }
}

@Suite struct JSONValueTests {
    @Test func `strings are escaped`() {
        let value = JSONValue.string("a\"b\\c\n\u{01}\u{E9}")
        #expect(value.rendered() == #""a\"b\\c\n\u0001é""#)
    }

    @Test(arguments: [
        (1.0, "1"), (0.25, "0.25"), (-3.5, "-3.5"), (.nan, "null"), (.infinity, "null"),
        (123_456.000001, "123456.000001"),
    ])
    func `numbers are numbers or null`(number: Double, text: String) {
        #expect(JSONValue.number(number).rendered() == text)
    }

    @Test func `members keep their order, and empty ones stay on a line`() {
        let value = JSONValue.members([
            "b": .integer(1), "a": .array([.bool(true), .null]), "c": .array([]),
        ])
        #expect(
            value.rendered() == """
                {
                  "b": 1,
                  "a": [
                    true,
                    null
                  ],
                  "c": []
                }
                """
        )
    }
}

@Suite struct BottleneckTests {
    @Test(arguments: [
        ([0.95, 0.2], 0.0, 0.5, 0.0, "client"), ([0.5], 0.0, 0.97, 0.0, "server"),
        ([0.95], 0.0, 0.97, 0.0, "client_and_server"), ([0.6], 0.25, 0.5, 0.0, "machine"),
        ([0.2], 0.0, 0.4, 0.38, "machine"), ([0.2], 0.1, 0.3, 0.1, "neither"),
    ])
    func `what was full is what limited`(
        client: [Double],
        clientWaiting: Double,
        server: Double,
        serverWaiting: Double,
        key: String
    ) {
        let bottleneck = Bottleneck(
            client: client,
            clientWaiting: clientWaiting,
            server: server,
            serverWaiting: serverWaiting
        )
        #expect(bottleneck.key == key)
    }

    @Test func `a server that cannot be seen is not judged`() {
        let bottleneck = Bottleneck(
            client: [0.4],
            clientWaiting: 0,
            server: nil,
            serverWaiting: 0
        )
        #expect(bottleneck == .notClient)
    }
}
