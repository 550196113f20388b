// The one line that says how it went.

extension ReportText {
    var verdict: String {
        switch report.result.status {
        case .noConnection:
            return style.bad("NO CONNECTION") + "  nobody could be reached"
        case .interrupted:
            return style.warning("INTERRUPTED") + "  \(headline) up to then"
        case .invalid:
            let why = report.result.invalidBecause ?? "the figures say nothing about the server"
            return style.bad("INVALID") + "  \(why)"
        case .errors:
            let errors = Figure.counted(Int(clamping: report.errorTotal), "error")
            let what = report.errorTotal == 0 ? "" : "\(errors); "
            return style.bad("FAILED") + "  \(what)\(headline)"
        case .goalMissed:
            let missed = report.goals.filter { !$0.isMet }.map(\.expression)
            return style.bad("MISSED") + "  \(missed.joined(separator: ", ")); \(headline)"
        case .good:
            return style.good("GOOD") + "  \(headline)\(assurance)"
        }
    }

    private var headline: String {
        let rate = Figure.rate(report.result.perSecond)
        switch report.mode {
        case .echo, .push: return "\(rate) messages/s"
        case .handshake: return "\(rate) handshakes/s"
        case .broadcast: return "\(rate) deliveries/s"
        case .saturate: return searched
        case .idle:
            return "\(Figure.counted(report.result.connectionsHeld, "connection")) held for "
                + Figure.time(report.result.elapsed * 1e9)
        }
    }

    /// A search may call its result the server's maximum only when it was the server's limit that
    /// it found.
    private var searched: String {
        let best = report.steps.filter(\.isMet).map(\.rate).max()
        guard let best else { return "no rate met the goals" }
        let isServers =
            report.limit?.key == "server"
            && report.steps.contains { !$0.isMet && $0.limitKey == "server" }
        let rate = "\(Figure.rate(best)) messages/s"
        return isServers
            ? "the server's maximum within the goals is \(rate)"
            : "\(rate) met the goals; the server was not what ended the search"
    }

    private var assurance: String {
        switch report.mode {
        case .echo, .saturate:
            switch settings.check {
            case "full": return ", every echo byte for byte as sent"
            case "sample": return ", the echoes that were looked at were as sent"
            default: return ", echoes only counted"
            }
        case .handshake: return ", every one opened and closed well"
        case .broadcast: return ", every delivery in order and as published"
        case .push: return ", every message as announced"
        case .idle: return ""
        }
    }
}
