// A chat with rooms: a room is a topic, and who is in it is told to it.
//
//     rooms [port]                                         0 takes a free port

import Glibc
import StargateCore

let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 9001
let server = Server(configuration: .init(port: port))
let page = Response.file(PackageResources.rooms_html, contentType: "text/html; charset=utf-8")
let presence = Presence(server)

server.get("/") { _ in page }
server.webSocket("/rooms/:room") { request in
    // Both come from the address: what is no name is refused before there is a connection.
    guard let room = Name(request.parameters["room"]), let name = Name(request.query["name"])
    else { return .reject(.badRequest, body: "names are 1 to 24 letters and digits\n") }
    return .accept { Guest(name, in: room, presence) }
}

try await server.run(stoppingOn: [.interrupt, .terminate]) {
    for address in server.addresses { print("listening on http://\(address)/") }
    // At once, also when the output is a pipe.
    fflush(nil)
}
