/// What the command line says.
struct SimulationOptions {
    var seeds: UInt64 = 1000
    var firstSeed: UInt64 = 1
    var traces = false

    static let usage = """
        usage: simulate [--seed S] [--seeds N] [--trace]

        Runs the engine in a simulated network, each run decided by one number.

          --seed S    the first seed (1)
          --seeds N   how many seeds (1000; 1 with --trace)
          --trace     print every step

        A run that fails prints its seed. Exit status: 0 when no run failed, 1 when one did, 2 for a
        mistake on this line.
        """

    /// Reads the arguments; nil for a mistake in them.
    init?(_ arguments: some Sequence<String>) {
        var hasSeeds = false
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--trace": traces = true
            case "--seed", "--seeds":
                guard let value = rest.popFirst().flatMap({ UInt64($0) }) else { return nil }
                if argument == "--seed" {
                    firstSeed = value
                } else {
                    seeds = value
                    hasSeeds = true
                }
            default: return nil
            }
        }
        if traces, !hasSeeds { seeds = 1 }
    }
}
