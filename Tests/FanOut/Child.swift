internal import Foundation

/// This program once more, as a client: it says a line when it is ready, and another when it is
/// done.
final class Child {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var rest = Data()

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// The next line; waits for it.
    func line() throws -> String {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[..<end], as: UTF8.self)
                rest = Data(rest[(end + 1)...])
                return line
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Failure(description: "a child process has ended") }
            rest += more
        }
    }

    func expect(_ wanted: String) throws {
        let line = try line()
        guard line == wanted else { throw Failure(description: "a child said: \(line)") }
    }

    /// Has it go on.
    func go() { input.fileHandleForWriting.write(Data("\n".utf8)) }

    /// Has it end, and waits for that: it watches its standard input.
    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
