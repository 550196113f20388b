// The other end of the lifeline that `ChildServer` holds: a server of ours hears of the end of whoever
// started it, and can be asked what it uses.

internal import CMalloc
internal import Glibc
internal import StargateCore

/// The standard input of a server that must not outlive its parent.
enum Lifeline {
    /// Sends this process SIGTERM when its standard input ends, and answers each line there with
    /// the bytes that are allocated. The thread that waits for that sleeps in `read` and costs
    /// nothing.
    static func watch() {
        let thread = try? PlatformThread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                guard byte == UInt8(ascii: "\n") else { continue }
                Output.write("\(Heap.allocatedByteCount)\n", to: STDOUT_FILENO)
            }
            kill(getpid(), SIGTERM)
        }
        thread?.detach()
    }
}

/// What this process has asked its allocator for.
enum Heap {
    /// Bytes that are allocated and not freed. Unlike pages, which stay where they were once
    /// touched, this tells a leak from a heap with gaps.
    static var allocatedByteCount: UInt64 {
        let info = mallinfo2()
        return UInt64(info.uordblks) &+ UInt64(info.hblkhd)
    }
}
