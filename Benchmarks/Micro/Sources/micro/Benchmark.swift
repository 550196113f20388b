/// One operation of the engine, alone.
struct Benchmark: Sendable {
    let name: String
    /// Makes what the operation works on. What comes back runs it so many times, and returns
    /// something of the results, so that no compiler leaves them out.
    let prepare: @Sendable () -> (Int) -> Int

    init(_ name: String, _ prepare: @escaping @Sendable () -> (Int) -> Int) {
        self.name = name
        self.prepare = prepare
    }
}

/// Uses a value where the compiler cannot see it.
@inline(never)
func keep(_ value: Int) {
    if value == Int.min { print("") }
}

/// Memory of the program's life, with room behind it for whoever reads whole words.
func memory(_ bytes: [UInt8]) -> UnsafeMutableRawBufferPointer {
    let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: bytes.count + 64,
        alignment: 64
    )
    memory.copyBytes(from: bytes)
    return UnsafeMutableRawBufferPointer(rebasing: memory[..<bytes.count])
}

/// A text of that many bytes: ASCII, or with characters of one to four bytes.
func text(_ count: Int, isASCII: Bool = true) -> [UInt8] {
    let piece = isASCII ? "The quick brown fox jumps. " : "grüße aus 東京, здравствуй 🚀 and so on. "
    var bytes: [UInt8] = []
    for character in String(repeating: piece, count: count / piece.utf8.count + 1) {
        let next = Array(character.utf8)
        if bytes.count + next.count > count { break }
        bytes += next
    }
    return bytes + [UInt8](repeating: 0x2E, count: count - bytes.count)
}

/// A kilobyte of the JSON that services send.
let json = Array(
    String(
        (0..<12).map { index in
            "{\"id\":\(10_482_913 &+ index &* 7919),\"device\":\"sensor-\(index % 5)\","
                + "\"kind\":\"temperature\",\"value\":\(200 &+ index &* 37 % 90).5,\"ok\":true}\n"
        }.joined().prefix(1024)
    ).utf8
)
