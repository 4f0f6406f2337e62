#!/bin/sh
# Uses an installed Tandem by pkg-config and a compiler alone.
#
#     build_and_run.sh INSTALL_PREFIX MODEL WORK_FOLDER
set -eu
prefix=$1 model=$2 folder=$3
here=$(dirname "$0")

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name tandem.pc)")
export PKG_CONFIG_PATH
mkdir -p "$folder"
# The flags are a list of words on purpose.
# shellcheck disable=SC2046
"${CXX:-c++}" -std=c++20 $(pkg-config --cflags tandem) "$here/../consumer.cc" -o "$folder/consumer" \
  $(pkg-config --libs tandem)
LD_LIBRARY_PATH=$(pkg-config --variable=libdir tandem) "$folder/consumer" "$model"
