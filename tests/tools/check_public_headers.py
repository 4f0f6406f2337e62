#!/usr/bin/env python3
"""Compiles each public header alone, twice in one unit, and looks for types that must not be seen in it.

    check_public_headers.py COMPILER INCLUDE_FOLDER
"""
import pathlib
import re
import subprocess
import sys

FORBIDDEN = re.compile(r"\b(Eigen|dnnl|cuda_\w+|cublas\w*|nlohmann)\b")
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-x", "c++", "-"]


def faults(compiler, folder, header):
    """Yields what is wrong with one header."""
    name = header.relative_to(folder).as_posix()
    for number, line in enumerate(header.read_text(encoding="utf-8").split("\n"), 1):
        if FORBIDDEN.search(line):
            yield f"{name}:{number}: names a library's own type: {line.strip()}"
    unit = f"#include <{name}>\n" * 2
    done = subprocess.run([compiler, f"-I{folder}", *FLAGS], input=unit, text=True, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        yield f"{name}: does not compile alone:\n{done.stderr[:2000]}"


def main():
    compiler, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    headers = sorted(folder.rglob("*.h"))
    found = [fault for header in headers for fault in faults(compiler, folder, header)]
    print("\n".join(found) if found else f"{len(headers)} headers compile alone and show no library's types")
    return 1 if found or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
