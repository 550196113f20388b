// What services send: lines of JSON, each a little different from the one before. Random letters
// would say nothing about compression, for there is nothing to find in them.

/// Lines of JSON, all of one length, from which the messages of a deck are cut.
enum JSONCell {
    /// The bytes of a line with its line feed: a message of a multiple of it holds whole lines.
    static let size = 128

    /// From so many bytes on the number of the line is in a message that begins with it.
    static let distinctSize = 16

    private static let kinds = ["temperature", "humidity", "pressure", "voltage"]
    private static let units = ["celsius", "percent", "hectopascal", "millivolt"]

    /// The line with a number: no two of the first 2^26 are alike.
    static func line(_ number: UInt64, seed: UInt64) -> [UInt8] {
        let random = Permutation.mix(number, bits: 48, seed: seed &+ 1)
        let kind = Int(random % 4)
        // Digits that a reading would have: below a thousand, with three decimals.
        let value = 100 + random / 4 % 900
        let thousandths = 100 + random / 4096 % 900
        let device = 1000 + random / 65_536 % 64
        let start =
            "{\"id\":\(10_000_000 + Permutation.mix(number, bits: 26, seed: seed)),"
            + "\"time\":\(1_764_200_000 + number % 100_000_000),\"device\":\"sensor-\(device)\","
            + "\"kind\":\"\(kinds[kind])\",\"value\":\(value).\(thousandths),"
            + "\"unit\":\"\(units[kind])\",\"site\":\""
        // The words above differ in length; this name fills the line.
        let room = size - start.utf8.count - 3
        return Array("\(start)\("north-hall".prefix(max(0, room)))\"}\n".utf8)
    }
}
