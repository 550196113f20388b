// Several server processes on one port: each has a limit of its own on open files. The kernel deals
// connections out among their listening sockets, as it does among those of one server's loops.

internal import Glibc

/// `serve --procs N`: this process serves nobody; it starts the others, passes signals on to them,
/// and ends when they have.
struct ServerGroup {
    private let children: [ChildProcess]
    /// Where all of them listen.
    let url: String

    /// Starts them.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - arguments: the command line of this process, without the program's name.
    ///   - port: where to listen; 0 for where the first of them finds room.
    /// - Throws: `ChildProcess.Failure` when one of them does not listen.
    init(count: Int, arguments: [String], port: Int) throws(ChildProcess.Failure) {
        var children: [ChildProcess] = []
        var url = ""
        for _ in 0..<count {
            let known = children.isEmpty ? port : Int(url.split(separator: ":").last ?? "") ?? port
            let child = try ChildProcess(
                path: ChildServer.ownExecutable,
                arguments: arguments
                    + ["--procs", "1", "--port", String(known), "--stop-at-end-of-input"]
            )
            guard let line = child.readLine(timeout: TimeSpan(seconds: 10)),
                line.hasPrefix(ServeCommand.readyPrefix)
            else {
                throw ChildProcess.Failure(description: "a server process did not start to listen")
            }
            url = String(line.dropFirst(ServeCommand.readyPrefix.count))
            children.append(child)
        }
        self.children = children
        self.url = url
    }

    /// Waits for SIGTERM or SIGINT, which the caller holds back, has all of them stop, and waits for
    /// that. One that ends by itself takes the others with it.
    ///
    /// - Parameter isAsked: whether a signal has come.
    /// - Returns: the worst of their exit statuses.
    func serve(until isAsked: () -> Bool) -> Int32 {
        while !isAsked(), !children.contains(where: \.hasEnded) { usleep(50_000) }
        for child in children where !child.hasEnded { kill(child.processID, SIGTERM) }
        var isCut = false
        while children.contains(where: { !$0.hasEnded }) {
            if !isCut, isAsked() {
                // The second signal cuts what is left, as it does with one process.
                isCut = true
                for child in children where !child.hasEnded { kill(child.processID, SIGTERM) }
            }
            usleep(20_000)
        }
        return children.map { Self.status(of: $0.waitStatus ?? 0) }.max() ?? 0
    }

    /// As a shell tells it: 128 and the number of the signal for one that was killed.
    private static func status(of waited: Int32) -> Int32 {
        let signal = waited & 0x7F
        return signal == 0 ? (waited >> 8) & 0xFF : 128 + signal
    }
}
