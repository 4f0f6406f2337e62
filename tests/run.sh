#!/usr/bin/env bash
# Builds everything and runs every test, in one command:
#
#     bash tests/run.sh
#
# Installs the packages that are missing, fetches the public models that some tests use, builds with optimisation
# and with warnings as errors, and runs the whole suite. With TANDEM_SANITIZERS=1 the suite runs under
# AddressSanitizer and UndefinedBehaviorSanitizer first, and under ThreadSanitizer.
# Where nvcc is found, the CUDA module is built too, and the tests that a machine without a GPU can run on it.
# Asks nothing; safe to run again. The exit code is that of the first stage that failed; the last lines are
# ctest's summary.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=$(nproc)
step() { printf '\n==> %s\n' "$*"; }

# suite PRESET WERROR [ctest arguments...]: configure, build, test. Warnings are not errors with sanitizers, whose
# instrumentation gives g++ false alarms.
suite() {
  local preset=$1 werror=$2
  shift 2
  step "$preset: configure and build"
  cmake --preset "$preset" -DTANDEM_WERROR="$werror" >/dev/null
  cmake --build --preset "$preset" --parallel "$jobs"
  step "$preset: test"
  ctest --preset "$preset" --parallel "$jobs" "$@"
}

step "Packages"
bash examples/install_dependencies.sh

step "Firefox's models (their tests are skipped where the package index cannot be reached)"
python3 examples/fetch_bergamot.py "${TANDEM_BERGAMOT_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tandem/bergamot}" || true

if [ "${TANDEM_SANITIZERS:-0}" = 1 ]; then
  suite asan OFF
  suite tsan OFF
fi
if command -v nvcc >/dev/null; then
  step "cuda: build the module, load it, ask a stand-in of cuBLASLt, count registers"
  cmake --preset cuda -DTANDEM_WERROR=ON -DTANDEM_BUILD_EXAMPLES=OFF -DTANDEM_BUILD_BENCH=OFF >/dev/null
  cmake --build --preset cuda --parallel "$jobs" --target tandem_cuda kernels_test cublaslt_test
  ctest --preset cuda --parallel "$jobs" --tests-regex '^(MakeBackend|Cuda|CublasLt|LibraryProducts|Int8Products|Gpu|cuda_)'
fi
suite release ON
