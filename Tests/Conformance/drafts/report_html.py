"""Reports as one HTML page that needs nothing beside it: a column for every server."""

import html

from .case import FAILED, NON_STRICT, OK, UNIMPLEMENTED
from .report import GENERATION_NAMES, RESULTS, count

CLASSES = {OK: "ok", NON_STRICT: "lax", FAILED: "failed", UNIMPLEMENTED: "missing"}

STYLE = """
:root { color-scheme: light dark; --line: #8884; --muted: #888;
        --ok: #2e9e5b; --lax: #c98a00; --failed: #d43c3c; --missing: #8a8f98; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .3rem .5rem; border-bottom: 1px solid var(--line); text-align: left;
         vertical-align: top; }
th { font-weight: 600; } td.number, th.number { text-align: right; width: 6rem;
  font-variant-numeric: tabular-nums; }
td.id { white-space: nowrap; font-family: ui-monospace, monospace; font-size: .85em;
  width: 5.5rem; }
td.result, th.result { width: 15rem; } .muted { color: var(--muted); font-size: .87em; }
.tag { display: inline-block; padding: 0 .5em; border-radius: .3em; color: #fff; font-size: .78em;
       font-weight: 600; letter-spacing: .02em; }
.ok { background: var(--ok); } .lax { background: var(--lax); }
.failed { background: var(--failed); }
.missing { background: var(--missing); }
.wide { max-width: none; } .wide td.result, .wide th.result { width: 11rem; }
summary { cursor: pointer; } pre { white-space: pre-wrap; word-break: break-all; margin: .3rem 0;
  font-size: .8em; } pre .sent { color: #3b82d0; } pre .received { color: #a05ac8; }
"""


def escape(text):
    return html.escape(str(text), quote=True)


def tag(result):
    return f'<span class="tag {CLASSES[result]}">{result}</span>'


def printable(data):
    """Bytes as text: what cannot be printed becomes an escape."""
    pieces = []
    for character in data:
        code = ord(character)
        if character == "\n":
            pieces.append("\\n\n")
        elif character == "\r":
            pieces.append("\\r")
        elif 0x20 <= code < 0x7F:
            pieces.append(character)
        else:
            pieces.append(f"\\x{code:02x}")
    return escape("".join(pieces))


def transcript(case):
    marks = {"sent": "&rarr;", "received": "&larr;", "note": "&middot;"}
    lines = []
    for entry in case["transcript"]:
        data = printable(entry["data"])
        if entry["kind"] != "note" and entry["bytes"] > len(entry["data"]):
            data += f" ... ({entry['bytes']} bytes)"
        lines.append(f'<span class="{entry["kind"]}">{marks[entry["kind"]]} {data}</span>')
    return "<pre>" + "\n".join(lines) + "</pre>" if lines else ""


def result_cell(case):
    if case is None:
        return '<td class="result muted">not run</td>'
    remarks = "".join(f'<div class="muted">{escape(remark)}</div>' for remark in case["remarks"])
    return f'<td class="result">{tag(case["result"])}{remarks}</td>'


def case_row(case, columns):
    details = "".join(transcript(column) for column in columns[:1] if column)
    return (
        f'<tr id="{escape(case["id"])}"><td class="id">{escape(case["id"])}</td>'
        f'<td><details><summary>{escape(case["title"])} '
        f'<span class="muted">({escape(case["severity"])})</span></summary>'
        f'<div>{escape(case["expectation"])}</div>'
        f'<div class="muted">{escape(case["section"])}</div>{details}</details></td>'
        + "".join(result_cell(column) for column in columns)
        + "</tr>"
    )


def summary_table(reports):
    rows = []
    for report in reports:
        for generation, name in GENERATION_NAMES.items():
            cases = [case for case in report["cases"] if case["generation"] == generation]
            if not cases:
                continue
            numbers = "".join(
                f'<td class="number">{count(cases, result) or "&ndash;"}</td>' for result in RESULTS
            )
            why = report["refused"].get(generation, "")
            rows.append(
                f"<tr><td>{escape(report['server'])}</td><td>{escape(name)}</td>{numbers}"
                f'<td class="muted">{escape(why)}</td></tr>'
            )
    heads = "".join(f'<th class="number">{tag(result)}</th>' for result in RESULTS)
    return (
        f"<table><tr><th>Server</th><th>Generation</th>{heads}<th></th></tr>{''.join(rows)}</table>"
    )


def group_tables(reports):
    found = [{case["id"]: case for case in report["cases"]} for report in reports]
    groups = {}
    for by_id in found:
        for case in by_id.values():
            groups.setdefault(case["group"], {}).setdefault(case["id"], case)
    parts = []
    for group, cases in groups.items():
        names = [escape(report["server"]) for report in reports] if len(reports) > 1 else []
        heads = "".join(f'<th class="result">{name}</th>' for name in names)
        rows = "".join(
            case_row(case, [by_id.get(number) for by_id in found])
            for number, case in cases.items()
        )
        parts.append(
            f"<h2>{escape(group)}</h2><table>"
            + (f"<tr><th></th><th></th>{heads}</tr>" if heads else "")
            + f"{rows}</table>"
        )
    return "".join(parts)


def render(reports):
    names = ", ".join(report["server"] for report in reports)
    first = reports[0]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>WebSocket drafts: {escape(names)}</title><style>{STYLE}</style>"
        f'<body class="{"wide" if len(reports) > 2 else ""}">'
        f"<h1>WebSocket drafts: {escape(names)}</h1>"
        f'<p class="muted">{escape(first["suite"])}, {escape(first["started"])}. A case opens to '
        "its expectation and to the bytes that crossed the wire (of the first server).</p>"
        + summary_table(reports)
        + group_tables(reports)
        + "</html>\n"
    )
