// A server of our own in a process of its own, so that its CPU time and memory are not mixed with
// the client's: this executable again, with `serve --port 0`.

/// A running `stargate-bench serve`.
final class ChildServer {
    let url: String
    private let process: ChildProcess

    /// Starts it and waits until it listens.
    ///
    /// - Parameters:
    ///   - executable: this program.
    ///   - loops: its event loops.
    ///   - maxMessageSize: the largest message it takes, in bytes.
    ///   - protocols: what it speaks, as `serve` takes it.
    ///   - deflate: how it compresses.
    ///   - tls: the files of its certificate and key; nil for none.
    /// - Throws: `ChildProcess.Failure` when it does not start to listen.
    init(
        executable: String,
        loops: Int,
        maxMessageSize: Int,
        protocols: String = "default",
        deflate: DeflateMode = .off,
        tls: (certificate: String, key: String)? = nil
    ) throws(ChildProcess.Failure) {
        var arguments = [
            "serve", "--port", "0", "--loops", String(loops), "--max-message-size",
            String(maxMessageSize), "--protocols", protocols, "--deflate",
            deflate.rawValue, "--stop-at-end-of-input",
        ]
        if let tls { arguments += ["--tls-cert", tls.certificate, "--tls-key", tls.key] }
        process = try ChildProcess(path: executable, arguments: arguments)
        guard let line = process.readLine(timeout: TimeSpan(seconds: 10)),
            line.hasPrefix(ServeCommand.readyPrefix)
        else {
            throw ChildProcess.Failure(
                description: "the server process did not start to listen"
            )
        }
        url = line.dropFirst(ServeCommand.readyPrefix.count) + "/"
    }

    var processID: Int32 { process.processID }

    /// Whether it has ended of its own accord.
    var isGone: Bool { process.hasEnded }

    /// The bytes that it has allocated and not freed; nil when it does not answer.
    func allocatedByteCount() -> UInt64? {
        process.writeLine("")
        return process.readLine(timeout: TimeSpan(seconds: 5)).flatMap { UInt64($0) }
    }

    /// Asks it to stop and waits until it has. Returns whether it ended well, with status 0.
    @discardableResult
    func stop() -> Bool {
        process.stop()
        return process.waitStatus == 0
    }

    /// The path of the running program.
    static var ownExecutable: String { ProcFile.link("/proc/self/exe") ?? "/proc/self/exe" }
}
