// A soak from its first connection to its verdict.

internal import Glibc
internal import StargateCore

/// What the servers hold in a lull: what is in a queue at a moment comes and goes with whatever else
/// wants the processor, and what has not gone when nothing is asked for is what counts.
struct SoakSample: Sendable {
    var seconds: Double
    /// Bytes that belong to no file. The program's and the libraries' pages are left out: they are
    /// shared with whatever else runs on this machine, and come and go with it.
    var memory: Double
    /// Bytes that are allocated and not freed.
    var allocated: Double
    /// Bytes of all pages, files included.
    var resident: Double
    var descriptors: Double
}

/// What a soak has shown.
struct SoakReport: Sendable {
    /// The most that the server may grow per hour. Below this a year of it is half a gigabyte, and
    /// the pages that an allocator happens to touch look like a slope, too.
    static let memoryPerHourMax = 64.0 * 1024
    static let descriptorsPerHourMax = 1.0
    /// In less time than this a slope shows how a server warms up, and only that it does not warm
    /// up without end is judged.
    static let slopeSecondsMin = 1800.0
    static let growthMax = 8.0 * 1024 * 1024

    var ledger: SoakLedger
    var samples: [SoakSample]
    var heldCount: Int
    var seconds: Double
    var serverCPU: Double
    var clientCPU: Double
    /// Descriptors of the server before the first connection and after the last.
    var descriptors: (before: Int, after: Int)
    var childrenEndedWell: Bool

    var memory: Trend? { Trend(samples.map { ($0.seconds, $0.memory) }) }
    var allocated: Trend? { Trend(samples.map { ($0.seconds, $0.allocated) }) }
    var descriptorTrend: Trend? { Trend(samples.map { ($0.seconds, $0.descriptors) }) }

    private var isLong: Bool { seconds >= Self.slopeSecondsMin }

    private var memoryPerHourMax: Double {
        isLong ? Self.memoryPerHourMax : Self.growthMax * 3600 / max(seconds, 1)
    }

    /// What speaks against the server; empty when nothing does.
    var objections: [String] {
        var list: [String] = []
        if ledger.faults > 0 { list.append("\(ledger.faults) faults") }
        if ledger.echoed == 0 || ledger.delivered == 0 { list.append("nothing was received") }
        if let memory, memory.exceeds(memoryPerHourMax) { list.append("memory grows") }
        if let allocated, allocated.exceeds(memoryPerHourMax) { list.append("the heap grows") }
        if isLong, let descriptorTrend, descriptorTrend.exceeds(Self.descriptorsPerHourMax) {
            list.append("descriptors grow")
        }
        if descriptors.after > descriptors.before {
            list.append("\(descriptors.after - descriptors.before) descriptors were left open")
        }
        if !childrenEndedWell { list.append("a server did not end well") }
        return list
    }

    var text: String {
        let kib = { (bytes: Double) in Figure.fixed(bytes / 1024, 1) }
        var lines = [
            "held \(heldCount) connections, \(Figure.fixed(seconds, 0)) s",
            "echoed \(ledger.echoed) of \(ledger.sent), published \(ledger.published), "
                + "delivered \(ledger.delivered), short-lived \(ledger.churned), "
                + "slow readers \(ledger.pauses), bad clients \(ledger.hostile)",
            "lost \(ledger.lost), duplicated \(ledger.duplicated), misordered "
                + "\(ledger.misordered), corrupted \(ledger.corrupted), broken \(ledger.broken), "
                + "bad clients kept \(ledger.tolerated)",
        ]
        if let last = samples.last {
            lines.append(
                "server memory at the end \(kib(last.memory)) KiB, with the pages of files "
                    + "\(kib(last.resident)) KiB; \(kib(last.allocated)) KiB are allocated"
            )
        }
        for (name, trend) in [("memory", memory), ("heap", allocated)] {
            guard let trend else { continue }
            lines.append(
                "\(name) slope \(kib(trend.perHour)) +- \(kib(trend.uncertainty)) KiB/h "
                    + "(\(samples.count) lulls after warm-up, at most "
                    + "\(kib(memoryPerHourMax)) allowed)"
            )
        }
        if let trend = descriptorTrend {
            lines.append(
                "descriptor slope \(Figure.fixed(trend.perHour, 2)) +- "
                    + "\(Figure.fixed(trend.uncertainty, 2)) per hour; "
                    + "\(descriptors.before) before the connections, \(descriptors.after) after"
            )
        }
        lines.append(
            "CPU of a core: server \(Figure.fixed(serverCPU * 100, 1)) %, client "
                + "\(Figure.fixed(clientCPU * 100, 1)) %"
        )
        let objections = objections
        lines.append(
            objections.isEmpty
                ? "verdict: good" : "verdict: BAD: " + objections.joined(separator: ", ")
        )
        return lines.joined(separator: "\n") + "\n"
    }
}

/// Conducts a soak, from a thread without a loop.
struct SoakRun {
    let plan: SoakPlan
    let length: TimeSpan
    let serverLoops: Int
    let children: [ChildServer]
    let isQuiet: Bool
    var interruption: Interruption

    /// How much busier the first half of the warm-up is than the rest. Buffers are kept for the
    /// next who needs them, and the pages of a buffer are touched as far as it was ever filled: at
    /// the rate at which the server is judged, it would take hours until the worst moment has come.
    private static let warmUpHaste = 4.0

    /// The crew, which is touched on its loop only.
    private final class Post: @unchecked Sendable {
        var crew: SoakCrew?
    }

    /// A look at the crew.
    private struct View: Sendable {
        var ledger: SoakLedger
        var openCount: Int
        var hasBegun: Bool
    }

    mutating func conduct() throws -> SoakReport {
        let group = try LoopGroup(count: 1)
        let post = Post()
        let plan = plan
        // libuv opens a spare one on each loop, with the loop's first connection.
        let descriptorsBefore = descriptorCount + serverLoops * children.count
        group.mailboxes.first?.post { eventLoop in
            post.crew = SoakCrew(plan, on: eventLoop)
            post.crew?.start()
        }
        let ruffians = [plan.url, plan.tls?.url].compactMap { $0 }.map { url in
            SoakRuffian(
                port: (try? TargetAddress(url).port) ?? 0,
                interval: TimeSpan(seconds: 1)
            )
        }
        for ruffian in ruffians { ruffian.start() }
        let view = { Self.view(post, group) }
        let begin = MonotonicClock.now()
        while !(view()?.hasBegun ?? true), !interruption.check(), seconds(since: begin) < 120 {
            usleep(200_000)
        }
        let heldCount = view()?.openCount ?? 0
        say("\(heldCount) connections are open")
        let usage = ProcessUsage.read(processes)
        let ownUsage = MonotonicClock.processCPUTime()
        let (samples, measured) = watch(view, ruffians, post, group)
        let used = ProcessUsage.read(processes).flatMap { now in usage.map(now.since) }
        let ownUsed = MonotonicClock.processCPUTime().minus(ownUsage)
        for ruffian in ruffians { ruffian.stop() }
        let ledger = finish(post, group, ruffians, view)
        // Those that ended a moment ago are still being closed.
        usleep(6_000_000)
        let descriptorsAfter = descriptorCount
        group.stopBlocking()
        return SoakReport(
            ledger: ledger,
            samples: samples,
            heldCount: heldCount,
            seconds: measured,
            serverCPU: Double(used?.cpuNanoseconds ?? 0) / 1e9 / max(measured, 0.001),
            clientCPU: Double(ownUsed) / 1e9 / max(measured, 0.001),
            descriptors: (descriptorsBefore, descriptorsAfter),
            childrenEndedWell: children.map { $0.stop() }.allSatisfy(\.self)
        )
    }

    /// In a lull the loops give back what they keep for the next who needs it, which takes them half
    /// a minute of peace. There are this many in a run.
    private static let lullSecondsMax = 70.0
    private static let lullCount = 16.0

    /// Has the crew work until the time is over, with a lull now and then; what was sampled in those
    /// after the warm-up, and the seconds.
    private mutating func watch(
        _ view: () -> View?,
        _ ruffians: [SoakRuffian],
        _ post: Post,
        _ group: LoopGroup
    ) -> ([SoakSample], Double) {
        let begin = MonotonicClock.now()
        let warmUp = min(length.seconds / 4, 900)
        let tell = { (order: @escaping @Sendable (SoakCrew) -> Void) in
            _ = group.mailboxes.first?.post { _ in post.crew.map(order) }
        }
        tell { $0.haste = Self.warmUpHaste }
        var isHasty = true
        let period = length.seconds / Self.lullCount
        let lull = min(Self.lullSecondsMax, period / 3)
        let interval = max(0.5, min(10, period / 20))
        var samples: [SoakSample] = []
        var nextLull = period - lull
        while seconds(since: begin) < length.seconds, !interruption.check() {
            usleep(UInt32(interval * 1e6))
            if isHasty, seconds(since: begin) >= warmUp / 2 {
                isHasty = false
                tell { $0.haste = 1 }
            }
            guard seconds(since: begin) >= nextLull else { continue }
            nextLull += period
            tell { $0.isResting = true }
            for ruffian in ruffians { ruffian.rest(true) }
            usleep(UInt32(lull * 1e6))
            let now = seconds(since: begin)
            let sample = takeSample(now)
            if now >= warmUp, sample.memory > 0, sample.allocated > 0 { samples.append(sample) }
            if let view = view() { report(view, ruffians, sample) }
            tell { $0.isResting = false }
            for ruffian in ruffians { ruffian.rest(false) }
        }
        return (samples, seconds(since: begin))
    }

    private func takeSample(_ now: Double) -> SoakSample {
        let memory = ProcessMemory.read(processes)
        return SoakSample(
            seconds: now,
            memory: Double(memory?.anonymous ?? 0),
            allocated: Double(allocatedByteCount ?? 0),
            resident: Double(memory?.resident ?? 0),
            descriptors: Double(descriptorCount)
        )
    }

    private func report(_ view: View, _ ruffians: [SoakRuffian], _ sample: SoakSample) {
        let ledger = view.ledger
        let tolerated = ruffians.reduce(0) { $0 + $1.ledger.tolerated }
        say(
            "\(Figure.fixed(sample.seconds, 0)) s: \(view.openCount) open, "
                + "\(ledger.echoed) echoed, \(ledger.delivered) delivered, "
                + "\(ledger.faults + tolerated) faults, server "
                + "\(Figure.fixed(sample.memory / 1024, 0)) KiB, of them "
                + "\(Figure.fixed(sample.allocated / 1024, 0)) allocated, "
                + "\(Int(sample.descriptors)) descriptors"
        )
    }

    /// Lets what is on its way arrive, and says goodbye.
    private func finish(
        _ post: Post,
        _ group: LoopGroup,
        _ ruffians: [SoakRuffian],
        _ view: () -> View?
    ) -> SoakLedger {
        group.mailboxes.first?.post { _ in post.crew?.isResting = true }
        // Slow readers have resumed by then.
        usleep(5_000_000)
        group.mailboxes.first?.post { _ in post.crew?.leave() }
        for _ in 0..<50 where (view()?.openCount ?? 0) > 0 { usleep(100_000) }
        var ledger = view()?.ledger ?? SoakLedger()
        for ruffian in ruffians { ledger += ruffian.ledger }
        return ledger
    }

    private static func view(_ post: Post, _ group: LoopGroup) -> View? {
        let answer = Inbox<View>()
        group.mailboxes.first?.post { _ in
            guard let crew = post.crew else { return }
            answer.put(
                View(ledger: crew.ledger, openCount: crew.openCount, hasBegun: crew.hasBegun)
            )
        }
        return answer.take(1, timeoutMilliseconds: 10_000)?.first
    }

    /// What the servers have allocated; nil when one does not answer.
    private var allocatedByteCount: UInt64? {
        children.reduce(0) { sum, child in
            sum.flatMap { sum in child.allocatedByteCount().map { sum &+ $0 } }
        }
    }

    private var processes: [Int32] { children.map(\.processID) }

    /// The open descriptors of the servers.
    private var descriptorCount: Int {
        processes.reduce(0) { $0 + ProcFile.names(in: "/proc/\($1)/fd").count }
    }

    private func seconds(since begin: UInt64) -> Double {
        Double(MonotonicClock.now().minus(begin)) / 1e9
    }

    private func say(_ line: String) {
        guard !isQuiet else { return }
        Output.write("soak: \(line)\n", to: STDERR_FILENO)
    }
}
