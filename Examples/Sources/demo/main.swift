// The demo: a page, a room for it, an echo, a health check, all on one port.
//
//     demo [--host HOST] [--port PORT] [--tls-cert FILE --tls-key FILE]        port 0: any

import StargateCore

do {
    let arguments = try Arguments(CommandLine.arguments.dropFirst())
    var configuration = Server.Configuration(host: arguments.host, port: arguments.port)
    // Everything Stargate speaks, for everybody who comes to try it.
    configuration.protocols = .all
    configuration.compression = .shared
    if let certificate = arguments.certificate, let key = arguments.key {
        configuration.tls = TLSConfiguration(certificate: .files(chain: certificate, key: key))
    }
    let scheme = configuration.tls == nil ? "http" : "https"
    let server = Server(configuration: configuration)
    let room = Room()
    let page = String(decoding: PackageResources.page_html, as: UTF8.self)

    server.webSocket("/chat", origin: .sameOrigin) { _ in
        .accept { Chat(room: room) }
    }
    server.webSocket("/echo", origin: .any) { _ in
        .accept { Echo() }
    }
    server.get("/") { _ in .html(page) }
    server.get("/health") { _ in .text("ok") }

    let report = try await server.run(stoppingOn: [.interrupt, .terminate]) {
        for address in server.addresses { Console.say("listening on \(scheme)://\(address)/") }
    }
    Console.say("everybody was told goodbye: \(report)")
    // 4, as `stargate-bench serve` has it: some had to be cut.
    if report.cutCount > 0 { Console.end(status: 4) }
} catch {
    Console.giveUp(error)
}
