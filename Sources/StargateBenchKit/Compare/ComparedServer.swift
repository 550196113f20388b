// A server that the comparison has started, on a port that the kernel has chosen.

internal import Glibc

/// A server that accepts connections.
final class ComparedServer {
    let url: String
    private let process: ShellProcess

    /// Why it cannot take part.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts it, and waits until somebody listens on the port.
    ///
    /// - Parameters:
    ///   - spec: what to start.
    ///   - feature: what the workload needs.
    ///   - cores: where it may run.
    /// - Throws: ``Failure`` when it does not run, or does not listen within 20 seconds.
    init(_ spec: ServerSpec, feature: ServerFeature?, cores: CoreSet?) throws(Failure) {
        if case .missing(let reason) = spec.source { throw Failure(description: reason) }
        guard let port = Self.freePort() else { throw Failure(description: "no free port") }
        guard let command = spec.command(port: port, feature: feature) else {
            let word = feature?.rawValue ?? ""
            throw Failure(description: "its command has no {\(word): ...}")
        }
        let path = feature?.path ?? "/"
        url = "\(feature == .tls ? "wss" : "ws")://127.0.0.1:\(port)\(path)"
        do {
            process = try ShellProcess(
                command,
                prefix: CoreSet.prefix(cores?.server)
            )
        } catch {
            throw Failure(description: "it could not be started: \(error)")
        }
        try waitUntilListening(port: port)
    }

    /// Ends it and all it has started.
    func stop() {
        process.stop()
    }

    private func waitUntilListening(port: Int) throws(Failure) {
        let deadline = MonotonicClock.now() &+ 20_000_000_000
        while MonotonicClock.now() < deadline {
            if let status = process.exitStatus() {
                let line = process.lastLine
                throw Failure(
                    description: "it ended with status \(status)"
                        + (line.isEmpty ? "" : ": \(line)")
                )
            }
            if let table = ProcFile.text("/proc/net/tcp"),
                !ListeningProcess.listeningInodes(port: port, in: table).isEmpty
            {
                return
            }
            usleep(10_000)
        }
        process.stop()
        throw Failure(description: "it did not listen on 127.0.0.1 within 20 s")
    }

    /// A port that was free a moment ago.
    private static func freePort() -> Int? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        return isBound ? Int(UInt16(bigEndian: address.sin_port)) : nil
    }
}
