#!/usr/bin/env bash
# Puts the last run of `make compare` into the repository: Results/ gets the report as Markdown and
# JSON and the chart, and the README's performance section the table and the chart.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
report=.build/report
for form in md json svg; do
    [ -s "$report/comparison.$form" ] || { echo "publish: no $report/comparison.$form: run make compare" >&2; exit 1; }
done
mkdir -p Results
cp "$report"/comparison.{md,json,svg} Results/
python3 - Results/comparison.md ../README.md <<'END_OF_PYTHON'
import re
import sys

report, readme = (open(path).read() for path in sys.argv[1:])
glance = re.search(r"<!-- glance -->\n(.*?)<!-- end of glance -->", report, re.S).group(1).strip()
marked = re.compile(r"(<!-- comparison -->\n).*?(<!-- end of comparison -->)", re.S)
if not marked.search(readme):
    sys.exit("publish: the README has no place for it")
body = f"![CPU time of each server](Benchmarks/Results/comparison.svg)\n\n{glance}\n\n"
open(sys.argv[2], "w").write(marked.sub(lambda match: match[1] + body + match[2], readme))
END_OF_PYTHON
echo "written: Benchmarks/Results/comparison.{md,json,svg}, README.md"
