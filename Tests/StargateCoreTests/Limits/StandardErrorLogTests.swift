import Glibc
import Testing

@testable import StargateCore

@Suite("THREATS 106: a log that never waits")
struct StandardErrorLogTests {
    /// Used by one thread.
    private final class Clock: @unchecked Sendable {
        var second: UInt64 = 1
    }

    private func withPipe(_ body: (Int32, Int32) -> Void) {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        body(ends[0], ends[1])
        close(ends[0])
        close(ends[1])
    }

    private func read(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test("a full pipe drops lines, and the next one says how many")
    func fullPipe() {
        withPipe { reader, writer in
            // Blocking on purpose: a log that waited would hang here.
            let clock = Clock()
            var log = StandardErrorLog(descriptor: writer) {
                clock.second += 1
                return clock.second
            }
            let line = String(repeating: "x", count: 4000)
            for _ in 0..<100 { log.write(line) }
            #expect(log.droppedCount > 50)
            let dropped = log.droppedCount
            _ = read(reader)
            log.write("here")
            #expect(log.droppedCount == 0)
            #expect(read(reader) == "(\(dropped) lines before this were dropped) here\n")
        }
    }

    @Test("a flood is cut to a hundred lines a second")
    func flood() {
        withPipe { reader, writer in
            let clock = Clock()
            var log = StandardErrorLog(descriptor: writer) { clock.second }
            for number in 0..<1000 { log.write("line \(number)") }
            #expect(log.droppedCount == 900)
            #expect(read(reader).split(separator: "\n").count == 100)
            clock.second = 2
            log.write("later")
            #expect(read(reader).hasSuffix("were dropped) later\n"))
        }
    }

    @Test("nobody reads, or nothing is open: no signal, no wait")
    func closed() {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        var log = StandardErrorLog(descriptor: ends[1])
        log.write("to nobody")
        #expect(log.droppedCount == 1)
        close(ends[1])
        var nothing = StandardErrorLog(descriptor: 1 << 20)
        nothing.write("to nothing")
        #expect(nothing.droppedCount == 1)
    }
}
