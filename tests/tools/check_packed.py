#!/usr/bin/env python3
"""Converts models and compares the packed ones with their originals, answer by answer.

    check_packed.py --tandem build/release/tandem FOLDER...

Each folder holds a model and its cases.jsonl. In each compute type every request must get the same answer from the
original and from the packed model, with all digits of every number, and the packed directory must need nothing of the
original. --dequantize gives back the float32 model, of int8 weights as of those that the original multiplies in float32
if it has them. Then what must be refused is tried on the first model.
Exit code: 0, or 1 with what differs.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

TYPES = ("float32", "bfloat16", "int8")
EXIT_FAILURE, EXIT_NO_MODEL = 1, 3


class Program:
    def __init__(self, path):
        self.path = str(path.resolve())
        self.failures = []

    def run(self, *arguments, text="", folder=None):
        return subprocess.run([self.path, *map(str, arguments)], input=text.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, cwd=folder)

    def expect(self, holds, what):
        if not holds:
            self.failures.append(what)
            print(f"FAIL {what}")

    def refuses(self, code, word, *arguments):
        done = self.run(*arguments)
        message = done.stderr.decode(errors="replace")
        self.expect(done.returncode == code and word in message,
                    f"{' '.join(map(str, arguments))}: exit {done.returncode}, {message.strip()[:300]}")


def requests_of(folder):
    lines = (folder / "cases.jsonl").read_text(encoding="utf-8").split("\n")
    cases = [json.loads(line) for line in lines if line.strip()]
    return "".join(json.dumps(dict(case["request"], id=case["id"]), ensure_ascii=False) + "\n" for case in cases)


def without_stats(answers):
    """The lines up to the counts, which depend on measured costs where drafts are verified."""
    return [line.split(b',"stats":')[0] for line in answers.splitlines()]


def compare(program, folder, scratch):
    requests = requests_of(folder)
    for kind in TYPES:
        packed = scratch / f"{folder.name}.{kind}"
        done = program.run("convert", folder, packed, "--compute-type", kind)
        program.expect(done.returncode == 0, f"convert {folder.name} {kind}: {done.stderr.decode()[:300]}")
        expected = program.run("generate", "-m", folder, "--json", "--compute-type", kind, text=requests,
                               folder=folder)
        found = program.run("generate", "-m", packed, "--json", text=requests, folder=folder)
        program.expect(expected.stdout and without_stats(found.stdout) == without_stats(expected.stdout),
                       f"{folder.name} {kind}: answers differ")
        text = program.run("inspect", packed).stdout.decode()
        program.expect("packed by Tandem" in text and kind in text, f"inspect {packed.name}")


def check_dequantize(program, folder, scratch):
    """What compare() has packed; float32 is a fixed point, and what was int8 in its own files is exact."""
    weights = pathlib.Path("packed.safetensors")
    for kind in TYPES:
        plain = scratch / f"{folder.name}.{kind}.plain"
        done = program.run("convert", "--dequantize", scratch / f"{folder.name}.{kind}", plain)
        program.expect(done.returncode == 0, f"dequantize {folder.name} {kind}: {done.stderr.decode()[:300]}")
        text = program.run("inspect", plain).stdout.decode()
        program.expect("float32" in text, f"inspect {plain.name}")
        if kind == "float32" or (kind == "int8" and folder.name.endswith("-i8")):
            expected = (scratch / f"{folder.name}.float32" / weights).read_bytes()
            program.expect((plain / weights).read_bytes() == expected, f"dequantize {folder.name} {kind}: another file")
    direct = scratch / f"{folder.name}.direct"
    program.run("convert", "--dequantize", folder, direct)
    program.expect((direct / weights).read_bytes() == (scratch / f"{folder.name}.float32" / weights).read_bytes(),
                   f"dequantize {folder.name} itself")


def check_refusals(program, folder, scratch):
    packed, other = scratch / "packed", scratch / "other"
    program.run("convert", folder, packed, "--compute-type", "int8")
    program.refuses(EXIT_FAILURE, "exists already", "convert", folder, packed)
    program.expect(program.run("convert", folder, packed, "--force").returncode == 0, "convert --force")
    program.refuses(EXIT_FAILURE, "packed already", "convert", packed, other)
    program.refuses(EXIT_FAILURE, "writes float32", "convert", packed, other, "--dequantize", "--compute-type", "int8")
    program.refuses(EXIT_FAILURE, "exists already", "convert", "--dequantize", packed, packed)
    program.refuses(EXIT_FAILURE, "none", "convert", folder, scratch / "none" / "below")
    other.mkdir()
    (other / "precious.txt").write_text("kept")
    program.refuses(EXIT_FAILURE, "not replaced", "convert", folder, other, "--force")
    program.expect((other / "precious.txt").exists(), "a directory of something else is kept")
    program.refuses(EXIT_NO_MODEL, "packed for float32", "generate", "-m", packed, "--compute-type", "int8")
    weights = packed / "packed.safetensors"
    with open(weights, "r+b") as file:
        file.truncate(weights.stat().st_size - 64)
    program.refuses(EXIT_NO_MODEL, "packed.safetensors", "inspect", packed)
    program.expect(sorted(path.name for path in scratch.glob(".*")) == [], "no hidden directory is left")
    shutil.rmtree(other)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", required=True, type=pathlib.Path, help="the program")
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    program = Program(arguments.tandem)
    with tempfile.TemporaryDirectory() as scratch:
        for folder in arguments.folders:
            compare(program, folder, pathlib.Path(scratch))
            check_dequantize(program, folder, pathlib.Path(scratch))
        check_refusals(program, arguments.folders[0], pathlib.Path(scratch))
    print(f"{len(arguments.folders)} models, {len(program.failures)} failures")
    return 1 if program.failures else 0


if __name__ == "__main__":
    sys.exit(main())
