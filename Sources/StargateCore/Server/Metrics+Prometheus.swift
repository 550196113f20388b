// The text format of Prometheus, version 0.0.4: what a scraper reads.

extension Metrics {
    /// The metrics as a page that Prometheus and everything that speaks its text format (version
    /// 0.0.4) can read: a help, a type and the samples of each. Durations are in seconds.
    ///
    /// What every loop counts for itself has the label `loop`; sums over loops are made by whoever
    /// asks. No label has a value that a peer can choose.
    public func prometheusText() -> String {
        var page = PrometheusPage()
        appendConnections(to: &page)
        appendMessages(to: &page)
        appendEnds(to: &page)
        appendLoops(to: &page)
        return page.text
    }

    /// One sample for each loop; where there are no loops, one for all.
    private func perLoop(_ value: (Metrics) -> UInt64) -> [PrometheusPage.Sample] {
        guard !loops.isEmpty else { return [PrometheusPage.Sample([], value(self))] }
        return loops.enumerated().map { index, loop in
            PrometheusPage.Sample([("loop", String(index))], value(loop))
        }
    }

    private func labelled(
        _ label: String,
        _ values: [String: UInt64]
    ) -> [PrometheusPage.Sample] {
        values.sorted { $0.key < $1.key }.map { PrometheusPage.Sample([(label, $0.key)], $0.value) }
    }

    private func appendConnections(to page: inout PrometheusPage) {
        page.append(
            "connections_active",
            .gauge,
            "Connections that are open or in between.",
            perLoop(\.connectionsActive)
        )
        page.append(
            "connections_open",
            .gauge,
            "Open WebSocket connections by protocol version.",
            connectionsOpen.sorted { $0.key < $1.key }.map {
                PrometheusPage.Sample([("version", "\($0.key)")], $0.value)
            }
        )
        page.append(
            "connections_accepted_total",
            .counter,
            "Connections accepted from listening sockets.",
            perLoop(\.connectionsAccepted)
        )
        page.append(
            "admissions_refused_total",
            .counter,
            "Clients turned away when they were accepted.",
            labelled("reason", admissionsRefused)
        )
        page.append(
            "accept_pauses_total",
            .counter,
            "Pauses in accepting for want of descriptors.",
            perLoop(\.acceptPauses)
        )
        page.append(
            "handshakes_accepted_total",
            .counter,
            "Opening handshakes that succeeded.",
            perLoop(\.handshakesAccepted)
        )
        page.append(
            "handshakes_refused_total",
            .counter,
            "Requests that were refused, by status.",
            labelled("status", handshakesRefused)
        )
        page.append(
            "http_requests_answered_total",
            .counter,
            "Plain requests answered by a route.",
            perLoop(\.requestsAnswered)
        )
        page.append(
            "tls_handshakes_total",
            .counter,
            "TLS handshakes that succeeded.",
            perLoop(\.tlsHandshakes)
        )
        page.append(
            "tls_handshakes_resumed_total",
            .counter,
            "TLS handshakes that resumed a session.",
            perLoop(\.tlsHandshakesResumed)
        )
        page.append(
            "tls_handshakes_failed_total",
            .counter,
            "TLS handshakes that failed.",
            perLoop(\.tlsHandshakesFailed)
        )
    }

    private func appendMessages(to page: inout PrometheusPage) {
        page.append(
            "messages_received_total",
            .counter,
            "Messages handed to handlers.",
            perLoop(\.messagesReceived)
        )
        page.append(
            "messages_sent_total",
            .counter,
            "Messages taken for sending.",
            perLoop(\.messagesSent)
        )
        page.append(
            "messages_dropped_total",
            .counter,
            "Direct messages dropped by full queues.",
            perLoop(\.messagesDropped)
        )
        page.append(
            "frames_received_total",
            .counter,
            "Frames of all kinds that were received.",
            perLoop(\.framesReceived)
        )
        page.append(
            "control_frames_sent_total",
            .counter,
            "Pings, pongs and Close frames that were sent.",
            perLoop(\.controlFramesSent)
        )
        page.append(
            "network_received_bytes_total",
            .counter,
            "Bytes read from sockets.",
            perLoop(\.bytesReceived)
        )
        page.append(
            "network_sent_bytes_total",
            .counter,
            "Bytes that the kernel took.",
            perLoop(\.bytesSent)
        )
        page.append("reads_total", .counter, "Reads that brought bytes.", perLoop(\.reads))
        page.append("writes_total", .counter, "Writes, refused ones included.", perLoop(\.writes))
        page.append(
            "publications_total",
            .counter,
            "Publications that came to loops with subscribers.",
            perLoop(\.publications)
        )
        page.append(
            "publications_delivered_total",
            .counter,
            "Publications, once for each subscriber.",
            perLoop(\.publicationsDelivered)
        )
        page.append(
            "publications_dropped_total",
            .counter,
            "What subscribers did not get, by policy.",
            labelled("policy", drops)
        )
    }

    private func appendEnds(to page: inout PrometheusPage) {
        page.append(
            "close_codes_sent_total",
            .counter,
            "Close frames that were sent, by code.",
            labelled("code", closeCodesSent)
        )
        page.append(
            "close_codes_received_total",
            .counter,
            "Close frames that were received, by code.",
            labelled("code", closeCodesReceived)
        )
        page.append(
            "connections_failed_total",
            .counter,
            "Connections this endpoint ended, by reason.",
            labelled("reason", connectionsFailed)
        )
    }

    private func appendLoops(to page: inout PrometheusPage) {
        page.append(
            "loop_turn_seconds",
            "How long the turns of the event loops took.",
            loops.isEmpty
                ? [([], turns)]
                : loops.enumerated().map { ([("loop", String($0.offset))], $0.element.turns) }
        )
        page.append(
            "loop_turn_longest_milliseconds",
            .gauge,
            "The longest turn since the start.",
            perLoop { $0.longestTurn.milliseconds }
        )
        page.append(
            "loop_stalls_total",
            .counter,
            "Times that the watchdog found a loop blocked.",
            perLoop(\.stalls)
        )
        page.append(
            "loop_yields_total",
            .counter,
            "Connections that waited because they had their share.",
            perLoop(\.yields)
        )
        page.append(
            "ping_round_trip_seconds",
            "How long peers took to answer the keep-alive's pings.",
            [([], roundTrips)]
        )
        page.append(
            "memory_bytes",
            .gauge,
            "What connections hold, by account.",
            labelled("account", memory)
        )
        if let memoryBudget {
            page.append(
                "memory_budget_bytes",
                .gauge,
                "What connections may hold in all.",
                [PrometheusPage.Sample([], memoryBudget)]
            )
        }
    }
}

/// Writes the lines.
private struct PrometheusPage {
    enum Kind: String { case counter, gauge }

    struct Sample {
        let labels: [(String, String)]
        let value: UInt64

        init(_ labels: [(String, String)], _ value: UInt64) {
            self.labels = labels
            self.value = value
        }
    }

    private(set) var text = ""

    mutating func append(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        appendHead(name, kind.rawValue, help)
        for sample in samples {
            appendLine("stargate_\(name)", sample.labels, String(sample.value))
        }
    }

    /// A histogram: its buckets count everything up to their ends.
    mutating func append(
        _ name: String,
        _ help: String,
        _ histograms: [([(String, String)], Metrics.Histogram)]
    ) {
        appendHead(name, "histogram", help)
        for (labels, histogram) in histograms {
            var total: UInt64 = 0
            for (place, count) in histogram.counts.enumerated() {
                total &+= count
                let isLast = place >= histogram.bounds.count
                let end = isLast ? "+Inf" : Self.seconds(histogram.bounds[place])
                appendLine("stargate_\(name)_bucket", labels + [("le", end)], String(total))
            }
            appendLine("stargate_\(name)_sum", labels, Self.seconds(histogram.sum))
            appendLine("stargate_\(name)_count", labels, String(total))
        }
    }

    private static func seconds(_ milliseconds: UInt64) -> String {
        let part = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - part.count) + part
    }

    private mutating func appendHead(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP stargate_\(name) \(help)\n# TYPE stargate_\(name) \(kind)\n"
    }

    private mutating func appendLine(_ name: String, _ labels: [(String, String)], _ value: String)
    {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }
}
