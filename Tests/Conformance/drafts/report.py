"""The outcomes as a value for JSON, and as text for a terminal."""

from .case import FAILED, NON_STRICT, OK, UNIMPLEMENTED

RESULTS = (OK, NON_STRICT, FAILED, UNIMPLEMENTED)
GENERATION_NAMES = {
    "h75": "draft-hixie-75",
    "h76": "draft-hixie-76",
    "v7": "hybi-07",
    "v8": "hybi-08 to -12",
    "v13": "RFC 6455",
    None: "any",
}


def count(cases, result):
    return sum(case["result"] == result for case in cases)


def build(name, url, started, refusals, outcomes):
    """The report as plain values; what the JSON file holds."""
    cases = [
        {
            "id": outcome.case.id,
            "group": outcome.case.group,
            "generation": outcome.case.generation,
            "title": outcome.case.title,
            "section": outcome.case.section,
            "expectation": outcome.case.expectation,
            "severity": outcome.case.severity,
            "result": outcome.result,
            "remarks": outcome.remarks,
            "milliseconds": outcome.milliseconds,
            "transcript": [
                {"kind": kind, "bytes": size, "data": data}
                for kind, size, data in outcome.transcript
            ],
        }
        for outcome in outcomes
    ]
    return {
        "suite": "WebSocket drafts 1",
        "server": name,
        "url": url,
        "started": started,
        "refused": {generation: why for generation, why in refusals.items() if why},
        "summary": {result: count(cases, result) for result in RESULTS},
        "cases": cases,
    }


def summary_lines(report):
    """One line per generation, and the last line that programs read."""
    lines = [f"{'':18}{'OK':>6}{'NON-STRICT':>12}{'FAILED':>8}{'UNIMPLEMENTED':>15}"]
    for generation, name in GENERATION_NAMES.items():
        cases = [case for case in report["cases"] if case["generation"] == generation]
        if not cases:
            continue
        ok, lax, failed, missing = (count(cases, result) for result in RESULTS)
        line = f"{name:18}{ok:6}{lax:12}{failed:8}{missing:15}"
        refusal = report["refused"].get(generation)
        lines.append(line + (f"   ({refusal})" if refusal else ""))
    summary = report["summary"]
    lines.append(f"{summary[OK] + summary[NON_STRICT]} passed, {summary[FAILED]} failed")
    return lines


def outcome_line(outcome):
    line = f"{outcome.result:<13} {outcome.case.id:<8} {outcome.case.title}"
    return line + "".join(f"\n{'':23}{remark}" for remark in outcome.remarks)
