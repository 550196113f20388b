import Testing

@testable import StargateBenchKit

/// How servers are named, and in which order they are measured.
struct ServerSpecTests {
    @Test func `A command gets its port and nothing else`() throws {
        let spec = try #require(ServerSpec(argument: "ours = run --port {port} {tls: -s {x} a} b"))
        #expect(spec.name == "ours")
        #expect(spec.command(port: 80, feature: nil)?.hasPrefix("run --port 80 ") == true)
    }

    @Test func `What belongs to a feature is kept where it is wanted`() throws {
        let spec = try #require(
            ServerSpec(argument: "a=run {port}{deflate: --z}{broadcast: --all}")
        )
        #expect(spec.command(port: 7, feature: nil) == "run 7")
        #expect(spec.command(port: 7, feature: .deflate) == "run 7--z")
        #expect(spec.command(port: 7, feature: .broadcast) == "run 7--all")
        #expect(spec.command(port: 7, feature: .tls) == nil)
    }

    @Test(arguments: ["", "name", "=run {port}", "name=run", "name="])
    func `What is no server is refused`(argument: String) {
        #expect(ServerSpec(argument: argument) == nil)
    }

    @Test func `A file names servers and tells who is missing`() throws {
        let specs = try ServerSpec.list(
            """
            # remark

            one = A=b run {port}
              two ! no compiler = no server
            """
        )
        #expect(specs.map(\.name) == ["one", "two"])
        #expect(specs[0].source == .command("A=b run {port}"))
        #expect(specs[1].source == .missing("no compiler = no server"))
        #expect(specs[1].command(port: 1, feature: nil) == nil)
        #expect(throws: ServerSpec.Problem.self) { try ServerSpec.list("nonsense") }
    }

    @Test func `Two servers are measured in the order ABBA`() {
        let plan = SlicePlan(base: 0, others: [1], pairs: 4)
        #expect(plan.groups.count == 1)
        #expect(plan.groups[0].rounds.flatMap { $0 } == [0, 1, 1, 0, 0, 1, 1, 0])
    }

    @Test func `Nobody is far from the base, and everybody has all pairs`() {
        let plan = SlicePlan(base: 2, others: [0, 1, 3, 4, 5, 6, 7], pairs: 6)
        for group in plan.groups {
            #expect(group.servers.first == 2)
            #expect(group.servers.count <= 4)
            #expect(group.rounds.count == 6)
            for round in group.rounds { #expect(Set(round) == Set(group.servers)) }
        }
        let measured = plan.groups.flatMap(\.servers).filter { $0 != 2 }
        #expect(measured == [0, 1, 3, 4, 5, 6, 7])
    }

    @Test func `The base alone is measured too`() {
        #expect(SlicePlan(base: 0, others: [], pairs: 2).groups.map(\.rounds) == [[[0], [0]]])
    }

    @Test func `Cores as the kernel lists them`() {
        #expect(CoreSet.parse("0-3,8") == [0, 1, 2, 3, 8])
        #expect(CoreSet.parse("5") == [5])
        #expect(CoreSet.parse("3-1,x") == [])
        #expect(!CoreSet.allowed().isEmpty)
    }

    @Test func `Workloads are found by name, in the report's order`() throws {
        let some = try #require(Workload.named(["x32", "echo-20", "x32"]))
        #expect(some.map(\.name) == ["echo-20", "x32"])
        #expect(Workload.named(["nonsense"]) == nil)
        #expect(Workload.named(["all"])?.count == Workload.all.count)
        #expect(Workload.named(["suite"])?.map(\.name).sorted() == Workload.suite.sorted())
    }
}
