public import StargateCore

// Code that is itself a client, against the server in memory.

extension TestServer {
    /// A client whose connections lead to this server, whatever host and port their URLs name: for
    /// handlers of your own on the client's side.
    ///
    ///     let client = app.client
    ///     let id = try await app.run { _ in
    ///         try await client.connect(ClientRequest(url: "ws://test/prices")) { Display() }
    ///     }
    ///     app.server.publish("101", to: "prices")
    ///     app.settle()
    ///
    /// It lives on the loops of the server, in the same calls and on the same clock. Only `ws:`
    /// URLs lead there: in memory there is no TLS.
    public var client: WebSocketClient { WebSocketClient(loops: clientLoops) }

    /// Has a connection that a client opens lead to the server, from its next turn on.
    func expect(_ connection: VirtualConnection, onLoop index: Int) -> Bool {
        let arrival = Arrival(connection, loopIndex: index)
        connection.attach(arrival.socket)
        arrivals.append(arrival)
        return true
    }

    /// Has the server accept what clients have opened. Returns whether there was any.
    func acceptArrivals() -> Bool {
        guard !arrivals.isEmpty else { return false }
        let accepted = arrivals
        arrivals = []
        for arrival in accepted {
            accept(
                input: arrival.socket.output,
                output: arrival.socket.input,
                remoteAddress: nextAddress(host: "127.0.0.1")
            )
            adopt(arrival.socket, onLoop: arrival.loopIndex) {
                arrival.socket.connection.connected()
            }
        }
        return true
    }

    /// The client's end of a connection that the server has not accepted yet.
    struct Arrival {
        let socket: MemorySocket
        let loopIndex: Int

        init(_ connection: VirtualConnection, loopIndex: Int) {
            socket = MemorySocket(
                connection,
                input: ByteStream(),
                output: ByteStream(),
                remoteAddress: SocketAddress(host: TestServer.host, port: 80)
            )
            self.loopIndex = loopIndex
        }
    }
}
