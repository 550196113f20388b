import Testing

@testable import StargateCore

@Suite("Deadlines")
struct DeadlineTableTests {
    @Test("what is due is found once, whatever was set, moved and cleared")
    func model() {
        var table = DeadlineTable()
        defer { table.deallocate() }
        var model: [UInt32: UInt32] = [:]
        var generator = SeededGenerator(state: 1)
        var now: UInt32 = 1
        for _ in 0..<2000 {
            let slot = UInt32.random(in: 0..<300, using: &generator)
            switch UInt32.random(in: 0..<10, using: &generator) {
            case 0..<6:
                let tick = now + UInt32.random(in: 1..<50, using: &generator)
                let earliest = table.earliest
                #expect(table.set(tick, slot: slot) == (tick < earliest))
                model[slot] = tick
            case 6..<8:
                table.clear(slot: slot)
                model[slot] = nil
            default:
                now += UInt32.random(in: 0..<9, using: &generator)
                var due: [UInt32] = []
                table.takeDue(now: now, into: &due)
                let expected = model.filter { $0.value <= now }.keys.sorted()
                #expect(due == expected)
                for slot in due { model[slot] = nil }
                #expect(table.earliest == model.values.min() ?? DeadlineTable.never)
            }
            #expect(table.earliest <= model.values.min() ?? DeadlineTable.never)
        }
    }

    @Test("clearing what was never set does nothing")
    func clearUnset() {
        var table = DeadlineTable()
        defer { table.deallocate() }
        table.clear(slot: 5000)
        var due: [UInt32] = []
        table.takeDue(now: .max - 1, into: &due)
        #expect(due.isEmpty && table.earliest == DeadlineTable.never)
    }

    @Test("the table grows, and keeps what it held")
    func growth() {
        var table = DeadlineTable()
        defer { table.deallocate() }
        for slot in UInt32(0)..<1000 { _ = table.set(1000 - slot, slot: slot * 7) }
        var due: [UInt32] = []
        table.takeDue(now: 1000, into: &due)
        #expect(due == (0..<1000).map { $0 * 7 })
    }

    @Test(
        "durations in ticks are rounded up",
        arguments: [
            (Duration.zero, UInt32(1)), (.milliseconds(1), 1), (.milliseconds(100), 1),
            (.milliseconds(101), 2), (.seconds(1), 10), (.seconds(20), 200), (.seconds(-5), 1),
            (.nanoseconds(1), 1), (.seconds(Int64.max), UInt32.max / 2),
        ]
    )
    func ticks(duration: Duration, ticks: UInt32) {
        #expect(UInt32(ticks: duration) == ticks)
    }

    @Test("THREATS 105: 100,000 timers under one, each met at its tick, never early")
    func manyTimers() {
        var table = DeadlineTable()
        defer { table.deallocate() }
        let count: UInt32 = 100_000
        let last: UInt32 = 230
        func deadline(_ slot: UInt32) -> UInt32 {
            200 + Connection.keepAliveJitter(slot: slot, interval: 200)
        }
        for slot in 0..<count { _ = table.set(deadline(slot), slot: slot) }
        #expect(table.setCount == Int(count))
        #expect(table.earliest == 200)
        var met = 0
        var now = table.earliest
        while now != DeadlineTable.never {
            var due: [UInt32] = []
            table.takeDue(now: now, into: &due)
            met += due.count
            #expect(due.allSatisfy { deadline($0) == now })
            // The timer is set for nothing else: it does not tick.
            #expect(table.earliest > now)
            now = table.earliest
            guard now == DeadlineTable.never || now <= last else { break }
        }
        #expect(met == Int(count))
    }

    @Test("THREATS 105: peers that came together are not pinged together", arguments: [200, 1200])
    func jitter(interval: UInt32) {
        var counts: [UInt32: Int] = [:]
        for slot in 0..<UInt32(100_000) {
            counts[Connection.keepAliveJitter(slot: slot, interval: interval), default: 0] += 1
        }
        #expect(counts.count == Int(interval / 8))
        let mean = 100_000 / counts.count
        #expect(counts.values.allSatisfy { abs($0 - mean) < mean / 10 })
    }

    @Test(
        "durations in milliseconds are rounded up",
        arguments: [
            (Duration.zero, UInt64(0)), (.nanoseconds(1), 1), (.microseconds(999), 1),
            (.milliseconds(250), 250), (.microseconds(250_001), 251), (.seconds(-1), 0),
            (.seconds(3), 3000), (.seconds(Int64.max), UInt64.max / 2),
        ]
    )
    func milliseconds(duration: Duration, expected: UInt64) {
        #expect(duration.milliseconds == expected)
    }
}

@Suite("THREATS 104: the loop's clock")
struct LoopClockTests {
    @Test("it counts tenths of a second, from one")
    func counts() {
        var clock = LoopClock()
        clock.start(now: 5000)
        #expect(clock.tick(now: 5000) == 1)
        #expect(clock.tick(now: 5099) == 1)
        #expect(clock.tick(now: 5100) == 2)
        clock.willSleep(atMost: -1, now: 5100)
        #expect(clock.tick(now: 65_000) == 601)
    }

    @Test("it never goes back")
    func backwards() {
        var clock = LoopClock()
        clock.start(now: 1000)
        #expect(clock.tick(now: 2000) == 11)
        #expect(clock.tick(now: 500) == 11)
        #expect(clock.tick(now: 2100) == 12)
    }

    @Test("a process that was stopped for an hour lost that hour")
    func stopped() {
        var clock = LoopClock()
        clock.start(now: 0)
        clock.willSleep(atMost: 500, now: 0)
        let tick = clock.tick(now: 3_600_000)
        #expect(tick <= 1 + 5 + 10)
        // And from there on it counts as before.
        clock.willSleep(atMost: 500, now: 3_600_000)
        #expect(clock.tick(now: 3_600_500) == tick + 5)
    }

    @Test("a sleep that was a little too long counts")
    func late() {
        var clock = LoopClock()
        clock.start(now: 0)
        clock.willSleep(atMost: 500, now: 0)
        #expect(clock.tick(now: 1400) == 15)
    }

    @Test("many short sleeps that nobody asked the time after are not lost")
    func unaskedSleeps() {
        var clock = LoopClock()
        clock.start(now: 0)
        // A timer of the application wakes the loop every 100 ms; nothing looks at the clock.
        for turn in 0..<100 { clock.willSleep(atMost: 100, now: UInt64(turn) * 100) }
        #expect(clock.tick(now: 10_000) == 101)
    }
}
