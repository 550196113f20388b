internal import StargateCore
internal import StargateTesting

extension Simulation {
    func addRoutes() {
        struct Thrown: Error {}
        let isUnruly = faults.unruly
        server.webSocket("/echo/:sender") { [unowned self] request in
            if isUnruly, random.oneIn(20) { throw Thrown() }
            let sender = request.parameters["sender"].flatMap { Int($0) }
            return .accept { SimulatedHandler(self, sender: sender, isUnruly: isUnruly) }
        }
        server.webSocket("/any") { [unowned self] _ in
            .accept { SimulatedHandler(self, sender: nil, isUnruly: isUnruly) }
        }
        server.webSocket("/later/:sender") { [unowned self] request async throws in
            for _ in 0..<Int.random(in: 0...3, using: &random) { await Task.yield() }
            if isUnruly, random.oneIn(20) { throw Thrown() }
            let sender = request.parameters["sender"].flatMap { Int($0) }
            return .accept { SimulatedHandler(self, sender: sender, isUnruly: isUnruly) }
        }
        unowned let simulation = self
        server.webSocket("/task/:sender") { socket in
            let simulation = simulation
            try await simulation.serve(socket, isUnruly: isUnruly)
        }
        server.get("/health") { _ in .text("ok") }
        server.post("/body") { request in .text("\(request.body.count)") }
    }

    /// The same in the structured tier.
    private nonisolated(nonsending) func serve(
        _ socket: AsyncWebSocket,
        isUnruly: Bool
    ) async throws {
        struct Thrown: Error {}
        let sender = socket.request?.parameters["sender"].flatMap { Int($0) }
        let record = HandlerRecord(handlers.count, sender: sender)
        record.isOpened = true
        handlers.append(record)
        liveHandlerCount += 1
        defer {
            record.closedCount += 1
            liveHandlerCount -= 1
        }
        for try await message in socket.messages {
            totals.messages += 1
            let bytes: [UInt8] =
                switch message {
                case .text(let text): Array(text.utf8)
                case .binary(let bytes): bytes
                }
            let head = Payload.check(bytes)
            check(head?.sender == sender, "task \(record.number) received what was not sent")
            check(
                head?.number == record.nextNumber,
                "task \(record.number) received \(head?.number ?? -1), not \(record.nextNumber)"
            )
            record.accepted.append(record.nextNumber)
            record.nextNumber += 1
            if isUnruly, random.oneIn(10) { throw Thrown() }
            if isUnruly, random.oneIn(10) { await Task.yield() }
            if isUnruly, random.oneIn(20) { return }
            try await socket.send(message)
        }
    }

    func addPeers() {
        let count = Int.random(in: 1...5, using: &random)
        for number in 0..<count {
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where faults.hostile: peers.append(HostilePeer(self, number))
            case 1: peers.append(ClientPeer(self, number))
            case 2: peers.append(RequestPeer(self, number))
            default: peers.append(HonestPeer(self, number))
            }
        }
    }
}
