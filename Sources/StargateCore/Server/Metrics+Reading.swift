// Metrics are read from the cells of the loops, and added up.

extension Metrics {
    /// What one loop has counted.
    init(_ counts: Meter.Counts) {
        self.init()
        connectionsActive = counts[Counter.connectionsActive]
        connectionsAccepted = counts[Counter.connectionsAccepted]
        acceptPauses = counts[Counter.acceptPauses]
        handshakesAccepted = counts[Counter.handshakesAccepted]
        requestsAnswered = counts[Counter.requestsAnswered]
        tlsHandshakes = counts[Counter.tlsHandshakes]
        tlsHandshakesResumed = counts[Counter.tlsHandshakesResumed]
        tlsHandshakesFailed = counts[Counter.tlsHandshakesFailed]
        messagesReceived = counts[Counter.messagesReceived]
        messagesSent = counts[Counter.messagesSent]
        framesReceived = counts[Counter.framesReceived]
        controlFramesSent = counts[Counter.controlFramesSent]
        bytesReceived = counts[Counter.bytesReceived]
        bytesSent = counts[Counter.bytesSent]
        reads = counts[Counter.reads]
        writes = counts[Counter.writes]
        messagesDropped = counts[Counter.messagesDropped]
        publications = counts[Counter.publicationsTaken]
        publicationsDelivered = counts[Counter.publicationsDelivered]
        stalls = counts[Counter.stalls]
        yields = counts[Counter.yields]
        longestTurn = .milliseconds(Int64(clamping: counts[Counter.longestTurn]))
        readFamilies(counts)
    }

    private mutating func readFamilies(_ counts: Meter.Counts) {
        for version in ProtocolVersion.allCases { connectionsOpen[version] = counts[version] }
        for reason in AdmissionRefusal.allCases { admissionsRefused[reason.name] = counts[reason] }
        for status in RefusalStatus.allCases { handshakesRefused[status.name] = counts[status] }
        for reason in DropReason.allCases { drops[reason.name] = counts[reason] }
        for reason in FailureReason.allCases { connectionsFailed[reason.name] = counts[reason] }
        for account in MemoryAccount.allCases { memory[account.name] = counts[account] }
        for code in CloseCodeClass.allCases {
            closeCodesSent[code.name] = counts[.closeCodesSent, code.place]
            closeCodesReceived[code.name] = counts[.closeCodesReceived, code.place]
        }
        turns.read(counts, .turns, sum: counts[Counter.turnMilliseconds])
        roundTrips.read(counts, .roundTrips, sum: counts[Counter.roundTripMilliseconds])
    }

    /// Adds what another loop has counted.
    mutating func add(_ loop: Metrics) {
        let sums: [WritableKeyPath<Metrics, UInt64>] = [
            \.connectionsActive, \.connectionsAccepted, \.acceptPauses, \.handshakesAccepted,
            \.requestsAnswered, \.tlsHandshakes, \.tlsHandshakesResumed, \.tlsHandshakesFailed,
            \.messagesReceived, \.messagesSent, \.framesReceived, \.controlFramesSent,
            \.bytesReceived, \.bytesSent, \.reads, \.writes, \.messagesDropped, \.publications,
            \.publicationsDelivered, \.yields, \.stalls,
        ]
        for path in sums { self[keyPath: path] &+= loop[keyPath: path] }
        let families: [WritableKeyPath<Metrics, [String: UInt64]>] = [
            \.admissionsRefused, \.handshakesRefused, \.drops, \.closeCodesSent,
            \.closeCodesReceived, \.connectionsFailed, \.memory,
        ]
        for path in families {
            self[keyPath: path].merge(loop[keyPath: path], uniquingKeysWith: &+)
        }
        connectionsOpen.merge(loop.connectionsOpen, uniquingKeysWith: &+)
        turns.add(loop.turns)
        roundTrips.add(loop.roundTrips)
        longestTurn = max(longestTurn, loop.longestTurn)
    }
}

extension Metrics.Histogram {
    fileprivate mutating func read(_ counts: Meter.Counts, _ group: CounterGroup, sum: UInt64) {
        for place in self.counts.indices { self.counts[place] = counts[group, place] }
        self.sum = sum
    }

    fileprivate mutating func add(_ other: Metrics.Histogram) {
        for place in counts.indices { counts[place] &+= other.counts[place] }
        sum &+= other.sum
    }
}
