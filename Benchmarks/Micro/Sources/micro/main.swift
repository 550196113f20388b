// One scanner at a time, as often as one likes, and nothing else: what a profiler counts for it.
//
//     micro list          the names
//     micro NAME COUNT    runs it so many times
//     micro time [NAME]   nanoseconds an operation on this machine, for the curious

import Glibc

let benchmarks = frameBenchmarks + headBenchmarks + textBenchmarks + topicBenchmarks
let words = Array(CommandLine.arguments.dropFirst())

func nanoseconds(_ body: () -> Void) -> Double {
    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
    let start = now()
    body()
    return now() - start
}

func printTime(_ benchmark: Benchmark) {
    let run = benchmark.prepare()
    var count = 100
    // The second of two runs counts: the first one warms up.
    while nanoseconds({ keep(run(count)) }) < 5e7 { count *= 2 }
    let each = nanoseconds { keep(run(count)) } / Double(count)
    let padding = String(repeating: " ", count: max(1, 28 - benchmark.name.utf8.count))
    print("\(benchmark.name)\(padding)\((each * 10).rounded() / 10) ns")
}

switch words.count {
case 1 where words[0] == "list":
    for benchmark in benchmarks { print(benchmark.name) }
case 1... where words[0] == "time":
    for benchmark in benchmarks where words.count == 1 || words.contains(benchmark.name) {
        printTime(benchmark)
    }
case 2:
    guard let benchmark = benchmarks.first(where: { $0.name == words[0] }),
        let count = Int(words[1])
    else { exit(2) }
    keep(benchmark.prepare()(count))
default:
    print("usage: micro list | NAME COUNT | time [NAME...]")
    exit(2)
}
