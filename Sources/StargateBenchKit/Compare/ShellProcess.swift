// Programs of others: started through the shell, with a log for what they print, and ended with
// everything that they have started.

internal import Glibc

/// A running shell command.
final class ShellProcess {
    let processID: Int32
    private let logPath: String
    private var hasEnded = false

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameters:
    ///   - command: what `sh -c` runs, in a process group of its own.
    ///   - prefix: what runs the shell, if anything.
    /// - Throws: ``Failure`` in the operating system's words.
    init(_ command: String, prefix: [String]) throws(Failure) {
        var template = "/tmp/stargate-compare-XXXXXX".utf8CString.map { $0 }
        let log = mkstemp(&template)
        guard log >= 0 else { throw Failure(description: "no temporary file for its output") }
        defer { close(log) }
        logPath = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO)
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
        let line = prefix + ["sh", "-c", command]
        var words: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
        words.append(nil)
        defer { words.forEach { free($0) } }
        var process: pid_t = 0
        let status = posix_spawnp(&process, line[0], &actions, &attributes, words, environ)
        guard status == 0 else {
            unlink(logPath)
            throw Failure(description: String(cString: strerror(status)))
        }
        processID = process
    }

    deinit {
        stop()
        unlink(logPath)
    }

    /// Its exit status, or 128 and the signal's number; nil while it runs.
    func exitStatus() -> Int32? {
        guard !hasEnded else { return 0 }
        var status: Int32 = 0
        guard waitpid(processID, &status, WNOHANG) == processID else { return nil }
        hasEnded = true
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    /// The last line it has printed; empty if there is none.
    var lastLine: String {
        let lines = (ProcFile.text(logPath) ?? "").split(separator: "\n")
        return String((lines.last { !$0.allSatisfy(\.isWhitespace) } ?? "").prefix(200))
    }

    /// Ends the whole group: SIGTERM, two seconds, SIGKILL.
    func stop() {
        guard !hasEnded else { return }
        kill(-processID, SIGTERM)
        for _ in 0..<400 {
            if exitStatus() != nil { break }
            usleep(5_000)
        }
        // Also what the shell has left behind.
        kill(-processID, SIGKILL)
        if !hasEnded {
            var status: Int32 = 0
            waitpid(processID, &status, 0)
            hasEnded = true
        }
    }
}
