import Glibc
import Histogram
import Testing

@testable import StargateBenchKit

@Suite struct ProcessTests {
    @Test func `the CPU time of this process grows with its work`() throws {
        let before = try #require(ProcessUsage.read([getpid()]))
        var sum: UInt64 = 0
        for number in 0..<2_000_000 as Range<UInt64> {
            sum = Permutation.mix(sum ^ number, bits: 64, seed: 1)
        }
        let after = try #require(ProcessUsage.read([getpid()]))
        let used = after.since(before)
        #expect(used.cpuNanoseconds > 0, "\(sum)")
        #expect(!after.threads.isEmpty)
        #expect(used.busiestThread != nil)
    }

    @Test func `a process that does not exist has no accounts`() {
        #expect(ProcessUsage.read([]) == nil)
        #expect(ProcessUsage.read([Int32.max]) == nil)
        #expect(ProcessMemory.read([Int32.max]) == nil)
    }

    @Test func `what is allocated shows at once`() {
        let before = Heap.allocatedByteCount
        // So much that what other tests free meanwhile does not matter.
        let memory = malloc(256 << 20)
        #expect(Heap.allocatedByteCount > before + 128 << 20)
        free(memory)
    }

    @Test func `this process uses memory`() throws {
        let memory = try #require(ProcessMemory.read([getpid()]))
        #expect(memory.anonymous > 0 && memory.anonymous <= memory.resident)
        #expect(memory.resident > 0)
        #expect(memory.proportional <= memory.resident)
    }

    @Test func `listening sockets are read from the kernel's table`() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0
               1: 0100007F:2329 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0
               2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0
            """
        #expect(ListeningProcess.listeningInodes(port: 9001, in: table) == ["4711"])
        #expect(ListeningProcess.listeningInodes(port: 8080, in: table) == ["4713"])
        #expect(ListeningProcess.listeningInodes(port: 1, in: table) == [])
    }

    @Test func `the process behind a port is found`() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        try #require(listen(descriptor, 1) == 0)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &length)
            }
        }
        let port = Int(UInt16(bigEndian: address.sin_port))
        // A child that another test starts has the socket, too, until it becomes its own program.
        while ListeningProcess.find(port: port).count > 1 { usleep(1000) }
        #expect(ListeningProcess.find(port: port).contains(getpid()))
    }

    @Test func `too many connections for the limit are explained`() throws {
        let limit = DescriptorLimit(soft: 1024, hard: 1024)
        #expect(limit.problem(connections: 960) == nil)
        let problem = try #require(limit.problem(connections: 961))
        #expect(problem.contains("ulimit -n 1025"))
        #expect(problem.contains("at most 960"))
    }

    @Test func `an inbox waits for as many as it is asked for`() {
        let inbox = Inbox<Int>()
        inbox.put(1)
        #expect(inbox.take(2, timeoutMilliseconds: 10) == nil)
        inbox.put(2)
        #expect(inbox.take(2, timeoutMilliseconds: 10) == [1, 2])
        #expect(inbox.take(0, timeoutMilliseconds: 0) == [])
    }
}

@Suite struct FleetReportTests {
    @Test func `loops are added up`() {
        let loops = (0..<3).map { index -> LoopReport in
            let statistics = WorkerStatistics()
            statistics.opened = 10
            statistics.beginWindow()
            for _ in 0...index { statistics.complete(latency: UInt64(index + 1) * 1000) }
            statistics.endWindow()
            statistics.complete(latency: 1)
            var report = statistics.report()
            report.elapsed = 2_000_000_000
            report.cpu = UInt64(index) * 1_000_000_000
            return report
        }
        let fleet = FleetReport(merging: loops)
        #expect(fleet.opened == 30)
        #expect(fleet.measured == 6)
        #expect(fleet.rate == 3)
        #expect(fleet.busyShares == [0, 0.5, 1])
        #expect(fleet.latency.totalCount == 6)
        #expect(fleet.latency.valueAtPercentile(100) >= 3000)
    }

    @Test func `only the window is measured, and longer than a minute counts as a minute`() {
        let statistics = WorkerStatistics()
        statistics.complete(latency: 5)
        statistics.beginWindow()
        statistics.complete(latency: .max)
        statistics.endWindow()
        statistics.complete(latency: 7)
        let report = statistics.report()
        #expect(statistics.completed == 3)
        #expect(report.measured == 1)
        #expect(report.latency.totalCount == 1)
    }
}
