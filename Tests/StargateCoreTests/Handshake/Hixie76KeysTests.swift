import Testing

@testable import StargateCore

/// One worked example of draft-hixie-76's arithmetic.
struct KeyVector: Sendable, CustomTestStringConvertible {
    let name: String
    let key1: String
    let key2: String
    let key3: String
    let part1: UInt32
    let part2: UInt32
    let answer: String

    var testDescription: String { name }

    static let all = [
        KeyVector(
            name: "draft, section 1.2",
            key1: "4 @1  46546xW%0l 1 5",
            key2: "12998 5 Y3 1  .P00",
            key3: "5e6e3a64735b3455",
            part1: 829_309_203,
            part2: 259_970_620,
            answer: "386a4b5327793a472a436f2c5778612d"
        ),
        KeyVector(
            name: "draft, section 1.3",
            key1: "18x 6]8vM;54 *(5:  {   U1]8  z [  8",
            key2: "1_ tx7X d  <  nw  334J702) 7]o}` 0",
            key3: "546d5b4b20543275",
            part1: 155_712_099,
            part2: 173_347_027,
            answer: "66514a2c664e2f344634217e4b7e4d48"
        ),
        KeyVector(
            name: "draft, section 4.1",
            key1: "P388 O503D&ul7 {K%gX( %7  15",
            key2: "1 N ?|k UT0or 3o  4 I97N 5-S3O 31",
            key3: "4730222d5a3f4758",
            part1: 777_007_543,
            part2: 114_997_259,
            answer: "30737433526c26712d325a555e776575"
        ),
        KeyVector(
            name: "draft, section 5.2",
            key1: "3e6b263  4 17 80",
            key2: "17  9 G`ZD9   2 2b 7X 3 /r90",
            key3: "576a4e7d7c4d2836",
            part1: 906_585_445,
            part2: 179_922_739,
            answer: "6e603965426b397a245238704f745662"
        ),
        KeyVector(
            name: "largest number",
            key1: "4294967295 x",
            key2: "x 4294967295",
            key3: "0000000000000000",
            part1: .max,
            part2: .max,
            answer: "f858d36231ba743ad8c898d86a67a864"
        ),
        KeyVector(
            name: "zero",
            key1: "0 !",
            key2: "! 0",
            key3: "ffffffffffffffff",
            part1: 0,
            part2: 0,
            answer: "017caf56e0bff7f1252609a5796fe6c8"
        ),
        KeyVector(
            name: "line ends in key3",
            key1: "1 !2",
            key2: "x3 6",
            key3: "0d0a0d0a00ff0d0a",
            part1: 12,
            part2: 36,
            answer: "0ea4fb24b0d0278cd8e9938f0cbec067"
        ),
        KeyVector(
            name: "twelve spaces",
            key1: "4 2 9 4 9 6 7 2 9 2 a b c",
            key2: "a      24      b",
            key3: "8081feff00017f20",
            part1: 357_913_941,
            part2: 2,
            answer: "149ec7543b2a37c64fe771ee9850b100"
        ),
    ]
}

func bytes(hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(digits[$0...($0 + 1)]), radix: 16)
    }
}

@Suite struct Hixie76KeysTests {
    @Test(arguments: KeyVector.all)
    func worksOutTheAnswer(_ vector: KeyVector) throws {
        let keys = try #require(
            withBytes(vector.key1) { key1 in
                withBytes(vector.key2) { key2 in Hixie76Keys(key1: key1, key2: key2) }
            }
        )
        #expect(keys == Hixie76Keys(part1: vector.part1, part2: vector.part2))
        #expect(keys.answer(key3: bytes(hex: vector.key3)) == bytes(hex: vector.answer))
    }

    @Test(arguments: [
        "", " ", "414654615", "4 @1  46546xW%0l 1 6", "9 9999999999", "a b", "4294967296 x",
        "99999999999999999999999999 9", String(repeating: "9", count: 3000) + " ",
        String(repeating: " ", count: 3000), "1" + String(repeating: " ", count: 3000),
        "\u{0} \u{7F}", "１ ２",
    ])
    func refusesAKeyThatHidesNoNumber(_ key: String) {
        #expect(withBytes(key) { Hixie76Keys.part(of: $0) } == nil)
    }

    @Test func ignoresLeadingZeros() {
        let key = String(repeating: "0", count: 500) + "12 "
        #expect(withBytes(key) { Hixie76Keys.part(of: $0) } == 12)
    }

    @Test(arguments: [0, 1, 7, 9, 16])
    func wantsExactlyEightBytesOfKey3(_ count: Int) {
        let key3 = [UInt8](repeating: 1, count: count)
        #expect(Hixie76Keys(part1: 1, part2: 2).answer(key3: key3) == nil)
    }

    @Test func neverWritesPartOfAnAnswer() {
        let result = written(size: 15) { writer in
            let isWritten = [UInt8](repeating: 7, count: 8).withUnsafeBytes {
                Hixie76Keys(part1: 1, part2: 2).appendAnswer(key3: ByteView($0), to: &writer)
            }
            #expect(!isWritten)
            #expect(writer.count == 0)
        }
        #expect(result == nil)
    }

    @Test func everyGeneratedKeyIsOneThatAServerTakes() {
        var generator = TestGenerator(seed: 76)
        for _ in 0..<2000 {
            let challenge = Hixie76Challenge(using: &generator)
            let keys = withBytes(challenge.key1) { key1 in
                withBytes(challenge.key2) { key2 in Hixie76Keys(key1: key1, key2: key2) }
            }
            #expect(keys?.answer(key3: challenge.key3) == challenge.answer)
            #expect(challenge.answer.count == 16)
            for key in [challenge.key1, challenge.key2] {
                #expect(key.first != " " && key.last != " ")
                #expect(key.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7E })
                #expect((1...12).contains(key.filter { $0 == " " }.count))
            }
        }
    }
}

/// A generator whose numbers are the same in every run (SplitMix64).
struct TestGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
