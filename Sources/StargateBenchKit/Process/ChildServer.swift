// A server of our own in a process of its own, so that its CPU time and memory are not mixed with
// the client's: this executable again, with `serve --port 0`.

internal import Glibc

/// A running `stargate-bench serve`, which ends when this object is told to stop, and with the
/// process that started it at the latest.
final class ChildServer {
    let processID: Int32
    let url: String
    /// The writing end of its standard input: the child stops when it is closed, by whatever.
    private let lifeline: Int32
    private var isStopped = false

    /// Why there is no server.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts it and waits until it listens.
    init(loops: Int, maxMessageSize: Int) throws(Failure) {
        let arguments = [
            "stargate-bench", "serve", "--port", "0", "--loops", String(loops),
            "--max-message-size", String(maxMessageSize), "--stop-at-end-of-input",
        ]
        guard let input = PipeEnds(), let output = PipeEnds() else {
            throw Failure(description: "out of file descriptors: no pipe to the server process")
        }
        let spawned = Self.spawn(arguments, input: input.reading, output: output.writing)
        close(input.reading)
        close(output.writing)
        defer { close(output.reading) }
        guard let spawned else {
            close(input.writing)
            throw Failure(description: "the server process could not be started")
        }
        processID = spawned
        lifeline = input.writing
        let line = Self.readLine(from: output.reading, timeoutMilliseconds: 10_000)
        guard let line, line.hasPrefix(ServeCommand.readyPrefix) else {
            close(input.writing)
            kill(spawned, SIGKILL)
            var status: Int32 = 0
            waitpid(spawned, &status, 0)
            throw Failure(description: "the server process did not start to listen")
        }
        url = String(line.dropFirst(ServeCommand.readyPrefix.count))
    }

    /// Asks it to stop and waits until it has. Returns whether it ended well.
    @discardableResult
    func stop() -> Bool {
        guard !isStopped else { return true }
        isStopped = true
        kill(processID, SIGTERM)
        var status: Int32 = 0
        // The server closes its connections politely, with a deadline of its own. One that hangs
        // longer is not waited for.
        for _ in 0..<1000 {
            if waitpid(processID, &status, WNOHANG) == processID {
                close(lifeline)
                return status == 0
            }
            usleep(10_000)
        }
        kill(processID, SIGKILL)
        waitpid(processID, &status, 0)
        close(lifeline)
        return false
    }

    deinit { stop() }

    /// A group of its own keeps the terminal's Ctrl-C from the child, and the empty signal mask
    /// lets it hear our SIGTERM although we hold ours back.
    private static func spawn(_ arguments: [String], input: Int32, output: Int32) -> Int32? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK))
        var cArguments: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        cArguments.append(nil)
        defer { cArguments.forEach { free($0) } }
        var process: pid_t = 0
        let path = ProcFile.link("/proc/self/exe") ?? "/proc/self/exe"
        let result = posix_spawn(&process, path, &actions, &attributes, cArguments, environ)
        return result == 0 ? process : nil
    }

    /// The first line that comes, without its end.
    private static func readLine(from descriptor: Int32, timeoutMilliseconds: Int32) -> String? {
        var line: [UInt8] = []
        let deadline = MonotonicClock.now() + UInt64(timeoutMilliseconds) * 1_000_000
        while MonotonicClock.now() < deadline {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 100) > 0 else { continue }
            var byte: UInt8 = 0
            guard read(descriptor, &byte, 1) == 1 else { return nil }
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }
}
