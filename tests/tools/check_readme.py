#!/usr/bin/env python3
"""Tries what a document shows: C++ blocks compile against the public headers, shell blocks run.

    check_readme.py README.md --compiler c++ --include include --build build/release

Blocks are fenced as ```cpp and ```sh. Shell blocks run from the folder above `include` with the build folder first in
PATH, so that `tandem` is the program just built. A block after the comment <!-- not run: why --> is passed over.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"(<!-- not run: [^>]*-->\s*)?^```(cpp|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def compile_block(code, arguments):
    flags = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{arguments.include}", "-x", "c++", "-"]
    return subprocess.run([arguments.compiler, *flags], input=code, text=True, check=False).returncode


def run_block(code, arguments):
    environment = dict(os.environ, PATH=f"{arguments.build.resolve()}:{os.environ['PATH']}")
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write("set -eu\n" + code)
        script.flush()
        root = arguments.include.resolve().parent
        return subprocess.run(["sh", script.name], env=environment, cwd=root, check=False).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readme", type=pathlib.Path)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", required=True, type=pathlib.Path)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    counts = {"cpp": 0, "sh": 0}
    failed = 0
    for skip, language, code in BLOCK.findall(arguments.readme.read_text(encoding="utf-8")):
        if skip:
            continue
        counts[language] += 1
        if (compile_block if language == "cpp" else run_block)(code, arguments) != 0:
            failed += 1
            print(f"this block fails:\n{code}")
    print(f"{counts['cpp']} C++ blocks compiled, {counts['sh']} shell blocks run, {failed} failed")
    return 1 if failed or not counts["cpp"] or not counts["sh"] else 0


if __name__ == "__main__":
    sys.exit(main())
