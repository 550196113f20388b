// A process of ours that runs beside this one, says on its standard output when it is ready, and
// does not outlive us.

internal import Glibc

/// A running child process.
final class ChildProcess {
    let processID: Int32
    /// The writing end of its standard input, which ends with this process at the latest: a child
    /// that watches it stops by itself when we are killed.
    private let lifeline: Int32
    private let output: Int32
    /// What was read behind the last line.
    private var rest: [UInt8] = []
    /// How it ended, once it has: as `waitpid` tells it.
    private(set) var waitStatus: Int32?

    /// Why there is none.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - path: the executable, found as the shell finds it.
    ///   - arguments: what follows its name.
    /// - Throws: ``Failure`` in the operating system's words.
    init(path: String, arguments: [String]) throws(Failure) {
        guard let input = PipeEnds(), let output = PipeEnds() else {
            throw Failure(description: "\(path) could not be started: no pipe to it")
        }
        var process: pid_t = 0
        let status = Self.spawn(
            &process,
            path: path,
            arguments: arguments,
            input: input.reading,
            output: output.writing
        )
        close(input.reading)
        close(output.writing)
        guard status == 0 else {
            close(input.writing)
            close(output.reading)
            throw Failure(
                description: "\(path) could not be started: \(String(cString: strerror(status)))"
            )
        }
        processID = process
        lifeline = input.writing
        self.output = output.reading
    }

    deinit {
        stop()
        close(lifeline)
        close(output)
    }

    /// The next line of its standard output, without its end; nil when none came in time.
    func readLine(timeout: TimeSpan) -> String? {
        let deadline = MonotonicClock.now() &+ timeout.nanoseconds
        var scanned = 0
        while true {
            if let end = rest[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest.removeFirst(end + 1) }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            scanned = rest.count
            guard MonotonicClock.now() < deadline else { return nil }
            var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 100) > 0 else { continue }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let count = read(output, &chunk, chunk.count)
            guard count > 0 else { return nil }
            rest.append(contentsOf: chunk[..<count])
        }
    }

    /// Writes a line to its standard input.
    func writeLine(_ line: String) {
        Output.write(line + "\n", to: lifeline)
    }

    /// Whether it has ended by itself.
    var hasEnded: Bool {
        guard waitStatus == nil else { return true }
        var status: Int32 = 0
        guard waitpid(processID, &status, WNOHANG) != 0 else { return false }
        waitStatus = status
        return true
    }

    /// Asks it to end with SIGTERM, waits, and kills it when it has not within ten seconds: a
    /// server closes its connections politely, with a deadline of its own.
    func stop() {
        guard waitStatus == nil else { return }
        kill(processID, SIGTERM)
        var status: Int32 = 0
        for _ in 0..<2000 {
            if waitpid(processID, &status, WNOHANG) != 0 {
                waitStatus = status
                return
            }
            usleep(5_000)
        }
        kill(processID, SIGKILL)
        waitpid(processID, &status, 0)
        waitStatus = status
    }

    /// A group of its own keeps the terminal's Ctrl-C from the child, and the empty signal mask
    /// lets it hear SIGTERM although we may hold ours back.
    private static func spawn(
        _ process: inout pid_t,
        path: String,
        arguments: [String],
        input: Int32,
        output: Int32
    ) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK)
        )
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        words.append(nil)
        defer { words.forEach { free($0) } }
        return posix_spawnp(&process, path, &actions, &attributes, words, environ)
    }
}
