#!/usr/bin/env python3
"""Puts the JSON reports of several servers side by side into one HTML page.

    Tests/Conformance/compare.py one.json two.json -o table.html
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from drafts import report_html  # noqa: E402

parser = argparse.ArgumentParser(description="Several reports of run.py in one table.")
parser.add_argument("reports", nargs="+", type=Path, help="files that run.py --json wrote")
parser.add_argument("-o", "--output", type=Path, required=True, help="the page to write")
given = parser.parse_args()
given.output.write_text(report_html.render([json.loads(p.read_text()) for p in given.reports]))
