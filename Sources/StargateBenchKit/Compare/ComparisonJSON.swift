// The comparison for programs. Its keys are a contract, as those of the other modes' report are.

extension ComparisonReport {
    /// The report as JSON: costs as each workload measures it; ratios to the base.
    func json() -> JSONValue {
        .members([
            "schema": .string(Self.schema),
            "machine": .string(machine.description),
            "method": .array(method.map { .string($0) }),
            "base": .string(base.name),
            "pairs": .integer(UInt64(plan.pairs)),
            "slice_s": .number(plan.slice.seconds),
            "workloads": .array(results.map(json(of:))),
        ])
    }

    private func json(of result: WorkloadResult) -> JSONValue {
        .members([
            "name": .string(result.workload.name),
            "title": .string(result.workload.title),
            "measure": .string(result.workload.measure.rawValue),
            "client": .string(result.workload.arguments.joined(separator: " ")),
            "servers": .array(order.map { json(of: $0, in: result) }),
        ])
    }

    private func json(of index: Int, in result: WorkloadResult) -> JSONValue {
        let ratio = result.ratio(index)
        func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
        return .members([
            "name": .string(plan.servers[index].name),
            "missing": result.absences[index].map { .string($0) } ?? .null,
            "cost": number(result.cost(index)),
            "ratio": number(ratio?.median),
            "ratio_low": number(ratio?.low),
            "ratio_high": number(ratio?.high),
            "verdict": .string(verdict(index, in: result)),
            "per_second": .number(result.rate(index)),
            "sleeps_per_operation": .number(result.sleeps(index)),
            "wire_ratio": number(result.wire(index)),
            "costs": .array(result.runs[index].map { .number($0.cost) }),
        ])
    }
}
