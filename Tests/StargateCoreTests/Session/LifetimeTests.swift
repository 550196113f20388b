import Foundation
import Testing

@testable import StargateCore

@Suite("What the compiler forbids", .enabled(if: Compiler.path != nil, "no swiftc is to be found"))
struct LifetimeTests {
    /// A handler with a body in place of the dots.
    private func handler(_ body: String) -> String {
        """
        import StargateCore
        final class Keeper: WebSocketHandler {
            var socket: WebSocket?
            var bytes: [UInt8] = []
            var text = ""
            func received(_ message: Message, on socket: WebSocket) {
                \(body)
            }
        }
        """
    }

    @Test(
        "what may be done with a borrowed message compiles",
        arguments: [
            "socket.send(message)",
            "if case .text(let text) = message { self.text = String(copying: text) }",
            "if case .binary(let bytes) = message { self.bytes = bytes.withUnsafeBytes { Array($0) } }",
            "self.socket = socket",
            "socket.eventLoop?.schedule(after: .seconds(1)) { _ in socket.send(\"later\") }",
        ]
    )
    func allowed(body: String) throws {
        let (status, output) = try Compiler.check(handler(body))
        #expect(status == 0, "\(output)")
    }

    @Test(
        "a borrowed message cannot be kept",
        arguments: [
            "let keep = { _ = message.byteCount }; later = keep",
            "kept = message",
            "if case .binary(let bytes) = message { let keep = { _ = bytes.byteCount }; later = keep }",
            "socket.eventLoop?.schedule(after: .seconds(1)) { _ in socket.send(message) }",
        ]
    )
    func keeping(body: String) throws {
        let source =
            "nonisolated(unsafe) var later: () -> Void = {}\n"
            + handler(body).replacing("import StargateCore\n", with: "")
        let kept =
            body.hasPrefix("kept")
            ? source.replacing("var text = \"\"", with: "var text = \"\"; var kept: Message")
            : source
        let (status, output) = try Compiler.check("import StargateCore\n" + kept)
        #expect(status != 0)
        let isAboutLifetime = ["lifetime", "escap", "Escapable"].contains { output.contains($0) }
        #expect(isAboutLifetime, "\(output)")
    }

    @Test(
        "a connection cannot leave its loop",
        arguments: [
            "Task { socket.send(\"from elsewhere\") }",
            "Task.detached { socket.send(\"from elsewhere\") }",
            "socket.eventLoop?.mailbox.post { _ in socket.send(\"from elsewhere\") }",
            "let loop = socket.eventLoop; Task.detached { _ = loop?.index }",
        ]
    )
    func sending(body: String) throws {
        let (status, output) = try Compiler.check(handler(body))
        #expect(status != 0)
        let isAboutSending = ["Sendable", "sending", "data race"].contains { output.contains($0) }
        #expect(isAboutSending, "\(output)")
    }
}

/// The compiler that built the tests, asked about a few lines more.
private enum Compiler {
    static let path: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "")
        .split(separator: ":").map { "\($0)/swiftc" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    /// Where SwiftPM put the modules: beside the program that is running.
    static var buildFolder: URL {
        let program = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        return URL(fileURLWithPath: program ?? CommandLine.arguments[0]).deletingLastPathComponent()
    }

    static func check(_ source: String) throws -> (status: Int32, output: String) {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("stargate-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("Snippet.swift")
        try source.write(to: file, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path ?? "")
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Sources")
        process.arguments =
            [
                "-swift-version", "6", "-parse-as-library", "-emit-sil", "-o", "/dev/null",
                "-I", buildFolder.appendingPathComponent("Modules").path, file.path,
            ]
            + ["CUV", "COpenSSL", "CZlib", "CDeflate", "CVector"].flatMap {
                ["-Xcc", "-fmodule-map-file=\(sources.path)/\($0)/module.modulemap"]
            }
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
