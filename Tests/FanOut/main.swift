internal import Glibc

// Many publishers, many subscribers, some of whom do not read: the server is in this process, and
// its clients are in children of it, so that neither side has to share its descriptors.
//
//     fan-out [--subscribers 10000] [--publishers 100] [--messages 10] [--bytes 512]
//             [--policies close,drop-newest,drop-oldest,latest,wait] [--children 3]
//
// Every hundredth subscriber does not read, and is handled by each policy in turn; all others must
// get every message of every publisher once, unchanged, in its order. Exit status: 0 if they did.

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "readers":
    await Readers(Array(arguments.dropFirst())).run()
case "publishers":
    await Publishers(Array(arguments.dropFirst())).run()
default:
    guard let options = FanOutOptions(arguments) else {
        print("see Tests/FanOut/main.swift for the options")
        exit(2)
    }
    // A child that ends early is found out by what it does not say.
    signal(SIGPIPE, SIG_IGN)
    options.raiseDescriptorLimit()
    // What hangs is a fault.
    alarm(1200)
    var isRight = true
    for policy in options.policies {
        let run = FanOutRun(options, policy)
        let faults: [String]
        do { faults = try await run.run() } catch { faults = ["\(error)"] }
        for fault in faults { print("\(policy.name): \(fault)") }
        if faults.isEmpty { print("\(policy.name): \(run.summary)") } else { isRight = false }
        fflush(nil)
    }
    exit(isRight ? 0 : 1)
}
