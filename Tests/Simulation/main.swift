internal import Glibc

// One number decides everything about a run: the faults of the network, the peers and what they
// send, the handlers and what they do. `THREATS` are met here before a socket meets them.

guard let options = SimulationOptions(CommandLine.arguments.dropFirst()) else {
    print(SimulationOptions.usage)
    exit(2)
}

let begin = ContinuousClock.now
var failed: [UInt64] = []
var totals = SimulationTotals()
for seed in options.firstSeed..<(options.firstSeed &+ options.seeds) {
    let run = Simulation(seed: seed, traces: options.traces)
    run.run()
    var failures = run.failures
    // What depends on anything but the seed would make a failure impossible to repeat.
    if seed % 64 == 0, !options.traces {
        let again = Simulation(seed: seed, traces: false)
        again.run()
        if again.trace.digest != run.trace.digest {
            failures.append("a second run with the same seed took another course")
        }
    }
    totals += run.totals
    guard !failures.isEmpty else { continue }
    failed.append(seed)
    for failure in failures.prefix(5) { print("seed \(seed): \(failure)") }
    print("repeat it: make simulate SEED=\(seed) TRACE=1")
    if failed.count >= 10 {
        print("too many failures")
        break
    }
}
let seconds = Double((ContinuousClock.now - begin) / .milliseconds(1)) / 1000
print(totals.description)
print(
    "\(options.seeds) seeds from \(options.firstSeed) in \(seconds) s, \(failed.count) failed"
)
exit(failed.isEmpty ? 0 : 1)
