// The command line's root, and the exit statuses, which are part of its contract.

public import ArgumentParser
internal import Glibc

/// `stargate-bench`.
public struct BenchCommand: ParsableCommand {
    /// What the parser needs to know.
    public static let configuration = CommandConfiguration(
        commandName: "stargate-bench",
        abstract: "Measures WebSocket servers, and checks every answer.",
        discussion: """
            Without a URL a server is started in a process of its own and measured; with one, \
            whatever listens there: echo, handshake, idle and saturate take nothing but an echo \
            from it.

              stargate-bench echo -c 100 -s 512 -d 10s
              stargate-bench echo -p 32 ws://127.0.0.1:8080/
              stargate-bench handshake -c 50
              stargate-bench idle -c 10000
              stargate-bench soak -d 1h
              stargate-bench saturate --slo 'p99<5ms' --html run.html
              stargate-bench doctor

            Exit status: 0 all went well, 1 something went wrong, 2 the command line is not \
            valid, 3 nobody could be reached, 4 the figures say nothing about the server, 99 a goal \
            of --slo was missed, 130 interrupted (the report is printed).
            """,
        version: "0.1.0",
        subcommands: [
            EchoCommand.self, HandshakeCommand.self, IdleCommand.self, BroadcastCommand.self,
            PushCommand.self, SaturateCommand.self, SoakCommand.self, ReportCommand.self,
            CompareCommand.self, ServeCommand.self, DoctorCommand.self,
        ],
        defaultSubcommand: EchoCommand.self
    )

    /// Made by the parser.
    public init() {}

    /// Parses the command line of this process, does what it says, and exits.
    public static func runAndExit() -> Never {
        do {
            var command = try parseAsRoot(separated(Array(CommandLine.arguments.dropFirst())))
            try command.run()
            Glibc.exit(ExitStatus.good.rawValue)
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch {
            let text = fullMessage(for: error)
            // Help and version are no errors: they belong on standard output.
            let isAsked = exitCode(for: error) == .success
            Output.write(text + "\n", to: isAsked ? STDOUT_FILENO : STDERR_FILENO)
            Glibc.exit(exitStatus(for: error))
        }
    }

    /// The arguments with `--json=FILE` as two of them: the parser takes the option for a flag
    /// otherwise, because it may stand without a file, and forgets the file.
    static func separated(_ arguments: [String]) -> [String] {
        arguments.flatMap { argument in
            let option = "--json="
            guard argument.hasPrefix(option), argument != option + "-", argument != option else {
                return [argument]
            }
            return ["--json", String(argument.dropFirst(option.count))]
        }
    }

    /// What a failed parse or run means for the exit status.
    static func exitStatus(for error: any Error) -> Int32 {
        switch exitCode(for: error) {
        case .success: ExitStatus.good.rawValue
        case .validationFailure: ExitStatus.usage.rawValue
        default: ExitStatus.errors.rawValue
        }
    }
}

/// Writing to descriptors, whole.
enum Output {
    /// Writes the text; gives up silently when the other end is gone.
    static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var offset = 0
            while offset < bytes.count {
                let rest = UnsafeRawBufferPointer(bytes)[offset...]
                let count = Glibc.write(
                    descriptor,
                    UnsafeRawBufferPointer(rebasing: rest).baseAddress,
                    rest.count
                )
                guard count > 0 else { return }
                offset += count
            }
        }
    }

    /// Writes a file; returns why not, or nil.
    static func writeFile(_ text: String, path: String) -> String? {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            return "\(path): \(String(cString: strerror(errno)))"
        }
        write(text, to: descriptor)
        close(descriptor)
        return nil
    }
}
