#!/usr/bin/env python3
"""Damages the files of good models at random, and asks that each is refused with a typed error or still loads.

    damaged_files.py --loader build/release/tests/tools/load_models --tandem build/release/tandem --golden tests/golden

Every format that the library reads takes its turn: packed models, safetensors, a sharded index, CTranslate2's model.bin,
vocabulary and vocabulary map, Marian's .bin, .npz, .yml and shortlists, SentencePiece models, tokenizer.json, vocab.json, merges.txt, config.json, generation_config.json. A case cuts the file,
flips a bit, overwrites or removes or repeats a stretch, or writes a large number. Each must be answered within
50 ms and with at most 1 MiB of memory more than the good model took; --no-limits leaves that out, for builds whose
speed means nothing. The seed is fixed; TANDEM_DAMAGED_FILES=20000 runs that many cases instead of a few thousand.
"""
import argparse
import collections
import os
import pathlib
import random
import shutil
import struct
import sys
import tempfile

import bad_models_marian
import bad_models_packed
import bad_models_weights
from bad_models_case import put
from model_loader import Loader

CASES = 3000
MILLISECONDS, KIB = 50, 1024
SEED = 7


def damaged(data, chance):
    """`data` with one fault, and its name."""
    if not data:
        return b"\0", "byte"
    at = chance.randrange(len(data))
    # Headers decide what is believed of the rest, so half of the faults are in front.
    if chance.random() < 0.5:
        at = min(at, chance.randrange(256))
    length = chance.choice((1, 2, 4, 8, 16, 100))
    kind = chance.choice(("cut", "bit", "bit", "overwrite", "remove", "repeat", "number"))
    if kind == "cut":
        return data[:at], kind
    if kind == "bit":
        return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1:], kind
    if kind == "overwrite":
        return data[:at] + chance.randbytes(length) + data[at + length:], kind
    if kind == "remove":
        return data[:at] + data[at + length:], kind
    if kind == "repeat":
        return data[:at] + data[at:at + length] * 2 + data[at + length:], kind
    number = chance.choice((0, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1))
    return data[:at] + struct.pack("<Q", number) + data[at + 8:], kind


def directories(golden, tandem, scratch):
    """(folder, how it is loaded, its files that are damaged)."""
    def copy(source, name):
        shutil.copytree(golden / source, scratch / name, ignore=shutil.ignore_patterns("*.jsonl", "debug.npz"))
        return scratch / name

    yield copy("hf/marian", "marian"), "engine", ("model.safetensors", "config.json", "generation_config.json")
    yield copy("hf/t5_v1_0", "t5"), "engine", ("model.safetensors", "config.json", "generation_config.json")
    sharded = copy("hf/t5_v1_0", "sharded")
    next(case for case in bad_models_weights.shard_cases(sharded) if case.name.endswith("good")).edit(sharded)
    yield sharded, "engine", ("model.safetensors.index.json", "model-1.safetensors", "model-2.safetensors")
    marian = bad_models_marian.Marian(golden / "tokenizers/sp-unigram-identity")
    for name, files in {"good": ("model.bin", "config.yml", "vocab.spm", "lex.50.50.s2t.bin"), "npz good": ("model.npz",)}.items():
        folder = scratch / f"native {name}"
        folder.mkdir()
        next(case for case in bad_models_marian.cases_of(marian) if case.name == f"native/{name}").edit(folder)
        yield folder, "engine", files
    yield copy("ctranslate2/v2-i8", "ctranslate2"), "engine", ("model.bin", "target_vocabulary.txt")
    yield copy("ctranslate2/v2", "mapped"), "engine", ("vmap.txt",)
    for compute_type in ("float32", "int8"):
        bad_models_packed.pack(tandem, golden / "hf/marian", scratch / f"packed {compute_type}", compute_type)
        yield scratch / f"packed {compute_type}", "engine", ("packed.safetensors",)
    for model, files in {"t5": ("spiece.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
                         "m2m100": ("sentencepiece.bpe.model", "vocab.json"), "marian": ("source.spm", "vocab.json"),
                         "bart": ("vocab.json", "merges.txt"), "t5-json": ("tokenizer.json",), "bart-json": ("tokenizer.json",),
                         "bert-cased-json": ("tokenizer.json",), "nllb-json": ("tokenizer.json",)}.items():
        yield copy(f"tokenizers/{model}", f"tokenizer {model}"), "tokenizer", files


class Figures:
    def __init__(self):
        self.codes = collections.Counter()
        self.slowest = self.most = 0
        self.failures = 0

    def fail(self, what):
        self.failures += 1
        print(f"FAIL {what}")


def run_file(loader_path, folder, kind, name, count, limits, figures):
    """`count` cases of one file, in a process of its own, whose memory is that of this model."""
    chance = random.Random(f"{SEED} {folder.name} {name}")
    good, loader = (folder / name).read_bytes(), Loader(loader_path)
    peak = max(loader.load(kind, folder)["peak_kib"] for _ in range(3))
    for number in range(count):
        content, fault = damaged(good, chance)
        put(folder, name, content)
        answer = loader.load(kind, folder)
        what = f"{folder.name}/{name}, case {number} ({fault})"
        if answer is None:
            figures.fail(f"{what}: the loader died")
            loader = Loader(loader_path)
            continue
        figures.codes[answer["code"]] += 1
        if answer["code"] == "internal" or (answer["code"] != "ok" and not answer["message"]):
            figures.fail(f"{what}: {answer}")
        if answer["code"] != "ok" and limits:
            figures.slowest = max(figures.slowest, answer["milliseconds"])
            figures.most = max(figures.most, answer["peak_kib"] - peak)
            if answer["milliseconds"] > MILLISECONDS or answer["peak_kib"] - peak > KIB:
                figures.fail(f"{what}: {answer['milliseconds']:.1f} ms, {answer['peak_kib'] - peak} KiB more: {answer['message'][:200]}")
        peak = max(peak, answer["peak_kib"])
    put(folder, name, good)
    loader.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loader", required=True, type=pathlib.Path)
    parser.add_argument("--tandem", required=True, type=pathlib.Path, help="the program, which packs models")
    parser.add_argument("--golden", required=True, type=pathlib.Path)
    parser.add_argument("--no-limits", action="store_true", help="do not judge time and memory")
    arguments = parser.parse_args()
    total = int(os.environ.get("TANDEM_DAMAGED_FILES", CASES))
    figures = Figures()
    with tempfile.TemporaryDirectory() as scratch:
        every = [(folder, kind, name) for folder, kind, names
                 in directories(arguments.golden.resolve(), arguments.tandem.resolve(), pathlib.Path(scratch)) for name in names]
        each = -(-total // len(every))
        for folder, kind, name in every:
            run_file(arguments.loader.resolve(), folder, kind, name, each, not arguments.no_limits, figures)
    print(f"{each * len(every)} damaged files of {len(every)} kinds: {dict(figures.codes)}; {figures.failures} failures; "
          f"slowest refusal {figures.slowest:.1f} ms, most memory {figures.most} KiB more than the good model")
    return 1 if figures.failures else 0


if __name__ == "__main__":
    sys.exit(main())
