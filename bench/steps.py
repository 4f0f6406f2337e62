#!/usr/bin/env python3
"""What one decoder step costs, beside CTranslate2 and beside other builds of Tandem.

    python3 bench/steps.py --tandem now=build/release/bench/tandem_bench_worker \\
        --python-ctranslate2 build/rivals/py3/bin/python --models build/rivals/seeded

Models of given shapes with random weights (seeded_model.py), sources of 25 tokens, outputs of
exactly 8 and of exactly 40: the difference over 32 is a step of the whole batch, what is left is the
encoder and what a call costs. Engines run in turns on one pinned CPU, and CPU time is counted, so
that it can be used on a machine that has other work. Reported are the least and the median of the
windows; every output is compared with the first engine's, token by token.

--tandem may be given several times, to compare builds. Missing models are written on first use.
"""

import argparse
import dataclasses
import os
import random
import statistics
import subprocess
import sys

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE_TOKENS = 25
SHORT, LONG = 8, 40


@dataclasses.dataclass(frozen=True)
class Cell:
    name: str
    model: str
    compute_type: str
    sentences: int
    beam: int


CELLS = tuple(
    Cell(f"{model}-{compute_type}-{'beam4-' if beam > 1 else ''}b{sentences}",
         model, compute_type, sentences, beam)
    for model in ("base", "tiny", "opus")
    for compute_type in ("int8", "float32")
    for sentences, beam in ((1, 1), (1, 4), (8, 1), (32, 1)))


def sources(count):
    """Token ids of any vocabulary, without special tokens, ended by </s>, which is 0."""
    generator = random.Random(1)
    return [" ".join([*(str(generator.randrange(2, 30000))
                        for _ in range(SOURCE_TOKENS - 1)), "0"]) for _ in range(count)]


def prepare(cell, options):
    """Writes the model for both engines unless it is there. Returns the two directories."""
    own = os.path.join(options.models, cell.model)
    rival = os.path.join(options.models, "ctranslate2", cell.model, cell.compute_type)
    python = options.python_ctranslate2
    if not os.path.exists(os.path.join(own, "model.safetensors")):
        subprocess.run([python, os.path.join(HERE, "seeded_model.py"), cell.model, own], check=True)
    if not os.path.exists(os.path.join(rival, "model.bin")):
        subprocess.run([python, os.path.join(HERE, "rivals", "convert_marian.py"), own, rival,
                        "--quantization", cell.compute_type], check=True)
    return own, rival


def contenders(cell, options):
    own, rival = prepare(cell, options)
    variants = {}
    for named in options.tandem:
        name, program = named.split("=", 1)
        variants[f"Tandem {name}"] = measure.Variant(name, (
            program, "--model", own, "--compute-type", cell.compute_type, "--input", "numbers",
            "--beam", str(cell.beam), "--early-stopping", "yes" if cell.beam > 1 else "no",
            "--threads", str(options.threads), "--batch-tokens", str(options.batch_tokens)))
    for isa in options.isa:
        variants[f"CTranslate2 {isa}"] = measure.Variant(isa, (
            options.python_ctranslate2, os.path.join(HERE, "rivals", "ctranslate2_worker.py"),
            "--model", rival, "--tokenizer", own, "--compute-type", cell.compute_type,
            "--beam", str(cell.beam), "--batch", "32", "--numbers"),
            (("CT2_FORCE_CPU_ISA", isa),))
    return variants


@dataclasses.dataclass
class Series:
    """CPU seconds of whole calls, and their outputs."""

    short: list = dataclasses.field(default_factory=list)
    long: list = dataclasses.field(default_factory=list)
    output: list = dataclasses.field(default_factory=list)

    def step(self, which):
        return (which(self.long) - which(self.short)) / (LONG - SHORT) * 1e3

    def fixed(self, which):
        return which(self.short) * 1e3 - SHORT * self.step(which)


def run_cell(cell, options):
    texts = sources(cell.sentences)
    mode = "single" if cell.sentences == 1 else "bulk"
    workers = {name: measure.Worker(variant, options.cpus)
               for name, variant in contenders(cell, options).items()}
    series = {name: Series() for name in workers}
    try:
        for worker in workers.values():
            worker.once(mode, texts, LONG)
        for _ in range(options.rounds):
            for name, worker in (*workers.items(), *reversed(workers.items())):
                for length, seconds in ((SHORT, series[name].short), (LONG, series[name].long)):
                    window = worker.once(mode, texts, length)
                    seconds.append(window.cpu)
                series[name].output = window.texts
    finally:
        for worker in workers.values():
            worker.close()
    return series


def agreement(own, against):
    """The share of output tokens that are the same at the same place."""
    pairs = [pair for mine, other in zip(own, against) for pair in zip(mine.split(), other.split())]
    return sum(mine == other for mine, other in pairs) / len(pairs)


def print_cell(cell, series):
    """Ratios: how many times the first engine's step fits."""
    first = next(iter(series.values()))
    for name, one in series.items():
        print(f"| {cell.name} | {name} | {one.step(min):.3f} | {one.step(statistics.median):.3f} "
              f"| {one.step(min) / first.step(min):.2f} "
              f"| {one.step(statistics.median) / first.step(statistics.median):.2f} "
              f"| {one.fixed(min):.2f} | {100 * agreement(first.output, one.output):.0f} % |",
              flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--tandem", action="append", required=True, metavar="NAME=PROGRAM",
                        help="a build of tandem_bench_worker")
    parser.add_argument("--python-ctranslate2", default=sys.executable,
                        help="interpreter with ctranslate2, sentencepiece and NumPy")
    parser.add_argument("--models", required=True, help="directory for the models; all take 2 GB")
    parser.add_argument("--isa", nargs="*", default=["AVX2", "AVX512"], help="of CTranslate2")
    parser.add_argument("--cells", nargs="+", default=["base"], help="beginnings of names")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--cpus", default="0")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-tokens", type=int, default=0, help="0: the default of the library")
    options = parser.parse_args()
    print("| cell | engine | step ms, least | median | ratio of least | of medians | fixed ms "
          "| same tokens |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for cell in CELLS:
        if any(cell.name.startswith(beginning) for beginning in options.cells):
            print_cell(cell, run_cell(cell, options))


if __name__ == "__main__":
    main()
