import StargateCore

/// Adds the rooms to a server: that of `main.swift`, or one in a test.
func addRoutes(to server: Server) {
    let presence = Presence(server)
    server.webSocket("/rooms/:room") { request in
        // Both come from the address: what is no name is refused before there is a connection.
        guard let room = Name(request.parameters["room"]), let name = Name(request.query["name"])
        else { return .reject(.badRequest, body: "names are 1 to 24 letters and digits\n") }
        return .accept { Guest(name, in: room, presence) }
    }
}
