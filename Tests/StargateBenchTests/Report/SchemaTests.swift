import Testing

@testable import StargateBenchKit

/// The published schema: it is what the code says, and reports conform to it.
@Suite struct SchemaTests {
    private static let path =
        #filePath.split(separator: "/", omittingEmptySubsequences: false)
        .dropLast(4).joined(separator: "/") + "/Benchmarks/Schema/stargate-bench.schema.json"

    @Test func `the file in the repository is the schema of this version`() throws {
        let text = try #require(ProcFile.text(Self.path))
        #expect(text == RunReport.publishedSchema.rendered() + "\n")
    }

    @Test(.enabled(if: Peer.hasModule("jsonschema"), "needs Python's jsonschema"))
    func `a report conforms, by somebody else's reading`() throws {
        var report = RunReport()
        report.latencies = [LatencyReport()]
        report.timeline = TimelineReport(interval: 1, points: [.init()])
        report.wire = WireReport()
        report.server = ServerCost()
        report.client = ClientCost()
        report.memory = MemoryCost()
        report.limit = LimitReport()
        report.errors = [ErrorReport()]
        report.goals = [GoalReport()]
        report.steps = [StepReport()]
        report.settings.sizes = [SizeShare()]
        #expect(try verdict(on: report.json) == "valid")
        #expect(try verdict(on: RunReport().json) == "valid")
        #expect(try verdict(on: report.json.adding("mode", .string("other"))) == "invalid")
    }

    private func verdict(on json: JSONValue) throws -> String? {
        let program = """
            import json, sys, jsonschema
            schema = json.load(open(sys.argv[1]))
            jsonschema.Draft202012Validator.check_schema(schema)
            valid = jsonschema.Draft202012Validator(schema).is_valid(json.loads(sys.argv[2]))
            print("valid" if valid else "invalid")
            """
        let python = try ChildProcess(
            path: "python3",
            arguments: ["-c", program, Self.path, json.line()]
        )
        return python.readLine(timeout: TimeSpan(seconds: 20))
    }
}
