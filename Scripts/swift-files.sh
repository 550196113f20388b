#!/usr/bin/env bash
# Lists this project's Swift files, without what builds leave behind. Used by format and lint.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
find . -name '.build*' -prune -o -name .git -prune -o -name '*.swift' -print0 | sort -z
