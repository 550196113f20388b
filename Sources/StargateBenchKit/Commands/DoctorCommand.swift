internal import ArgumentParser
internal import Glibc

/// `stargate-bench doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks for limits of this machine that spoil a run, and says how to lift them.",
        discussion: """
            Changes nothing. Exit status 1 if something would spoil a run of the size asked for.

              stargate-bench doctor -c 50000
            """
    )

    @Option(name: .shortAndLong, help: "Connections of the run to be made.")
    var connections = 10_000

    func validate() throws {
        guard (1...10_000_000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 10000000")
        }
    }

    func run() throws {
        let findings = Doctor(connections: connections).examine()
        let style = Style(for: STDOUT_FILENO)
        var lines = ["", style.bold("stargate-bench doctor"), ""]
        for finding in findings {
            let mark =
                switch finding.grade {
                case .good: style.good("ok    ")
                case .note: style.warning("note  ")
                case .bad: style.bad("limit ")
                }
            lines.append("  \(mark)  \(finding.what)")
            if let remedy = finding.remedy { lines.append("          " + style.dim(remedy)) }
        }
        lines.append("")
        Output.write(lines.joined(separator: "\n") + "\n", to: STDOUT_FILENO)
        if findings.contains(where: { $0.grade == .bad }) {
            throw ExitCode(ExitStatus.errors.rawValue)
        }
    }
}
