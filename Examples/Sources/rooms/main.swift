// A chat with rooms: a room is a topic, and who is in it is told to it.
//
//     rooms [port]                                         0 takes a free port

import Glibc
import StargateCore

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 9001
let server = Server(configuration: .init(port: port))
let page = Response.file(PackageResources.rooms_html, contentType: "text/html; charset=utf-8")

server.get("/") { _ in page }
addRoutes(to: server)

try await server.run(stoppingOn: [.interrupt, .terminate]) {
    for address in server.addresses { print("listening on http://\(address)/") }
    // At once, also when the output is a pipe.
    fflush(nil)
}
