#!/usr/bin/env bash
# Installs the Debian packages that Tandem is built and tested with, and only those that are missing.
# Needs root or sudo when something is missing; asks nothing; may be run any number of times.
# The one list of packages: examples/quickstart.sh and tests/run.sh both call this.
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache pkg-config          # to build
  libdnnl-dev ocl-icd-opencl-dev                   # oneDNN, whose CMake package asks for OpenCL
  libutf8proc-dev zlib1g-dev                       # the library
  nlohmann-json3-dev libcli11-dev                  # the program
  libgtest-dev libgmock-dev libbenchmark-dev       # tests and benchmarks
  python3 python3-pip                              # scripts of the tests; fetching a model
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "All ${#packages[@]} packages are installed."
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "These packages are missing, and there is neither root nor sudo to install them: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install --yes --no-install-recommends -qq "${missing[@]}" >/dev/null
