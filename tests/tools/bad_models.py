#!/usr/bin/env python3
"""A catalogue of model directories that cannot be loaded, and what must be said about each.

    bad_models.py --loader build/release/tests/tools/load_models --tandem build/release/tandem --golden tests/golden
        --demo examples/models/correct-en

Every case is a good directory with one fault. It has an error code and words that the message must hold: the file,
and the key or the tensor. All are loaded by one process (load_models.cc), so a crash, a hang or an error of another
type is a failure too. Cases with the code "ok" are in between: the good directories, and what looks odd and is not
wrong. None stands for any error, "any" for an error or a model that loads.
"""
import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import time

import bad_models_marian
import bad_models_packed
import bad_models_tokenizers
import bad_models_weights
from model_loader import Loader

SECONDS_FOR_ONE = 5
AT_LEAST = 300


def make(case, folder):
    """A copy of the case's base with its fault. Files are links: an edit replaces them and never writes into one."""
    folder.mkdir()
    for file in case.base.iterdir():
        if file.suffix not in (".jsonl", ".md") and file.name != "debug.npz":
            os.link(file, folder / file.name)
    case.edit(folder)


def compare(case, answer):
    """What is wrong with the answer, or None."""
    if answer is None:
        return "the loader died"
    if case.code == "any":
        return None
    if answer["code"] != case.code and (case.code or answer["code"] in ("ok", "internal")):
        return f"{answer['code']}, expected {case.code}: {answer['message'][:300]}"
    lacking = [word for word in case.words if word not in answer["message"]]
    if lacking:
        return f"the message lacks {lacking}: {answer['message'][:300]}"
    if answer["milliseconds"] > SECONDS_FOR_ONE * 1000:
        return f"took {answer['milliseconds']:.0f} ms"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loader", required=True, type=pathlib.Path)
    parser.add_argument("--tandem", required=True, type=pathlib.Path, help="the program, which packs the models to be broken")
    parser.add_argument("--golden", required=True, type=pathlib.Path)
    parser.add_argument("--demo", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    start, failures, slowest, names = time.monotonic(), [], 0.0, set()
    loader = Loader(arguments.loader.resolve())
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = pathlib.Path(scratch_name)
        bases = scratch / "bases"
        for source in ("hf/marian", "hf/t5_v1_0", "hf/bart", "hf/m2m100", "tokenizers"):
            shutil.copytree(arguments.golden / source, bases / source)
        shutil.copytree(arguments.demo, bases / "correct-en")
        for compute_type in bad_models_packed.TYPES:
            bad_models_packed.pack(arguments.tandem.resolve(), bases / "hf/marian", bases / f"packed/marian.{compute_type}",
                                   compute_type)
        bad_models_packed.pack(arguments.tandem.resolve(), bases / "hf/t5_v1_0", bases / "packed/t5_v1_0.int8", "int8")
        cases = [case for part in (bad_models_weights, bad_models_marian, bad_models_tokenizers, bad_models_packed)
                 for case in part.cases(bases)]
        for number, case in enumerate(cases):
            assert case.name not in names, case.name
            names.add(case.name)
            folder = scratch / f"case{number}"
            make(case, folder)
            answer = loader.load(case.kind, folder)
            why = compare(case, answer)
            if why:
                failures.append(case.name)
                print(f"FAIL {case.name}: {why}")
            if answer is None:
                loader = Loader(arguments.loader.resolve())
            elif answer["code"] != "ok":
                slowest = max(slowest, answer["milliseconds"])
            shutil.rmtree(folder)
    loader.close()
    bad = sum(case.code not in ("ok", "any") for case in cases)
    print(f"{bad} bad and {len(cases) - bad} other directories, {len(failures)} failures, "
          f"{time.monotonic() - start:.1f} s, slowest refusal {slowest:.1f} ms")
    return 1 if failures or bad < AT_LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
