#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the demo says to whoever started it.
enum Console {
    /// Prints a line at once, also when the output is a pipe.
    static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    /// Ends the process.
    static func end(status: Int32) -> Never { exit(status) }

    /// Prints why it cannot go on, and ends the process with a status that says so.
    static func giveUp(_ reason: any Error) -> Never {
        say("demo: \(reason)")
        exit(1)
    }
}
