#!/usr/bin/env python3
"""What one decoder step costs, beside CTranslate2 and beside other builds of Tandem.

    python3 bench/steps.py --tandem now=build/release/bench/tandem_bench_worker \\
        --python-ctranslate2 build/rivals/py3/bin/python --models build/rivals/seeded

Models of given shapes with random weights (seeded_model.py, seeded_t5.py), sources of 25 tokens,
outputs of exactly 8 and of exactly 40 tokens: the difference over 32 is a step of the whole batch.
Outputs of one token show the encoder and what a call costs. Engines run in turns on one pinned CPU,
and CPU time is counted, so that it can be used on a machine that has other work; with several
threads it is time by the clock. Reported are the least and the median of the windows; every output
is compared with the first engine's, token by token.

--tandem may be given several times, to compare builds, or settings of one: the program may be
followed by its options, as in --tandem "fast=build/release/bench/tandem_bench_worker --numerics fast".
bfloat16 cells compare with float32 of the others, who have no bfloat16 on every CPU. Missing models
are written on first use.
"""

import argparse
import dataclasses
import json
import os
import random
import shlex
import statistics
import subprocess
import sys

import measure
import report

HERE = os.path.dirname(os.path.abspath(__file__))
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
    for model in ("base", "tiny", "opus", "big", "t5-small", "t5-base")
    for compute_type in ("int8", "float32", "bfloat16")
    for sentences, beam in ((1, 1), (1, 4), (8, 1), (32, 1)))


def sources(count, length, end_token):
    """Token ids of any vocabulary, without special tokens, and the end token."""
    generator = random.Random(1)
    return [" ".join([*(str(generator.randrange(2, 30000)) for _ in range(length - 1)),
                      str(end_token)]) for _ in range(count)]


def prepare(model, compute_type, options):
    """Writes the model for both engines unless it is there. Returns the two directories."""
    family = "t5" if model.startswith("t5") else "marian"
    own = os.path.join(options.models, model)
    rival = os.path.join(options.models, "ctranslate2", model, compute_type)
    python = options.python_ctranslate2
    if not os.path.exists(os.path.join(own, "model.safetensors")):
        script = {"t5": "seeded_t5.py", "marian": "seeded_model.py"}[family]
        subprocess.run([python, os.path.join(HERE, script), model, own], check=True)
    if not os.path.exists(os.path.join(rival, "model.bin")):
        subprocess.run([python, os.path.join(HERE, "rivals", f"convert_{family}.py"), own, rival,
                        "--quantization", compute_type], check=True)
    return own, rival


def end_token(model_dir):
    with open(os.path.join(model_dir, "config.json"), encoding="utf-8") as file:
        return json.load(file)["eos_token_id"]


def tandem(program, model, compute_type, cell, options):
    return measure.Variant("", (
        *shlex.split(program), "--model", model, "--compute-type", compute_type, "--input",
        "numbers", "--beam", str(cell.beam), "--early-stopping", "yes" if cell.beam > 1 else "no",
        "--threads", str(options.threads), "--batch-tokens", str(options.batch_tokens)))


def contenders(cell, options):
    rival_type = "float32" if cell.compute_type == "bfloat16" else cell.compute_type
    own, rival = prepare(cell.model, rival_type, options)
    variants = {}
    for named in options.tandem:
        name, program = named.split("=", 1)
        variants[f"Tandem {name}"] = tandem(program, own, cell.compute_type, cell, options)
        if rival_type != cell.compute_type:
            variants[f"Tandem {name} {rival_type}"] = tandem(
                program, own, rival_type, cell, options)
    for isa in options.isa:
        variants[f"CTranslate2 {isa}"] = measure.Variant(isa, (
            options.python_ctranslate2, os.path.join(HERE, "rivals", "ctranslate2_worker.py"),
            "--model", rival, "--compute-type", rival_type, "--beam", str(cell.beam),
            "--batch", "32", "--numbers"), (("CT2_FORCE_CPU_ISA", isa),))
    return variants


@dataclasses.dataclass
class Series:
    """Seconds of whole calls, and their outputs."""

    one: list = dataclasses.field(default_factory=list)
    short: list = dataclasses.field(default_factory=list)
    long: list = dataclasses.field(default_factory=list)
    output: list = dataclasses.field(default_factory=list)

    def step(self, which):
        return (which(self.long) - which(self.short)) / (LONG - SHORT) * 1e3

    def first(self, which):
        """Milliseconds of a call for one token."""
        return which(self.one) * 1e3


def run_cell(cell, options):
    variants = contenders(cell, options)
    end = end_token(os.path.join(options.models, cell.model))
    texts = sources(cell.sentences, options.source_tokens, end)
    mode = "single" if cell.sentences == 1 else "bulk"
    workers = {name: measure.Worker(variant, options.cpus) for name, variant in variants.items()}
    series = {name: Series() for name in workers}
    try:
        for worker in workers.values():
            worker.once(mode, texts, LONG)
        for _ in range(options.rounds):
            for name, worker in (*workers.items(), *reversed(workers.items())):
                lists = series[name]
                for length, seconds in ((1, lists.one), (SHORT, lists.short), (LONG, lists.long)):
                    window = worker.once(mode, texts, length)
                    # CPU time adds up over threads, so several are judged by the clock.
                    seconds.append(window.cpu if options.threads == 1 else window.wall)
                series[name].output = window.texts
    finally:
        for worker in workers.values():
            worker.close()
    return series


def agreement(own, against):
    """The share of output tokens that are the same at the same place."""
    pairs = [pair for mine, other in zip(own, against) for pair in zip(mine.split(), other.split())]
    return sum(mine == other for mine, other in pairs) / len(pairs)


def engine_rows(cell, series):
    """A row for each engine. Ratios: how many times the first engine's step and first token fit."""
    first = next(iter(series.values()))
    return [[cell.name, name, f"{one.step(min):.3f}", f"{one.step(statistics.median):.3f}",
             f"{one.step(min) / first.step(min):.2f}",
             f"{one.step(statistics.median) / first.step(statistics.median):.2f}",
             f"{one.first(min):.2f}", f"{one.first(min) / first.first(min):.2f}",
             f"{100 * agreement(first.output, one.output):.0f} %"] for name, one in series.items()]


ENGINE_HEADER = ["cell", "engine", "step ms, least", "median", "ratio of least", "of medians",
                 "encoder and one token, ms", "ratio", "same tokens"]


def best_rival(series):
    """(first engine's name, name of the fastest of the others that is no Tandem)."""
    own = next(iter(series))
    return own, min((name for name in series if not name.startswith("Tandem")),
                    key=lambda name: series[name].step(min))


def best_rows(cell, series):
    """One row for the cell: the first engine beside the best rival. Ratios: times faster."""
    own, rival = best_rival(series)
    mine, other = series[own], series[rival]
    return [[cell.name, f"{mine.step(min):.2f}", f"{other.step(min):.2f}", rival,
             f"{other.step(min) / mine.step(min):.2f} "
             f"({other.step(statistics.median) / mine.step(statistics.median):.2f})",
             f"{other.first(min) / mine.first(min):.2f}",
             f"{100 * agreement(mine.output, other.output):.0f} %"]]


BEST_HEADER = ["cell", "Tandem, ms a step", "best rival, ms", "which", "times faster (by medians)",
               "encoder and one token, times faster", "same tokens"]


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
    parser.add_argument("--source-tokens", type=int, default=25)
    parser.add_argument("--best", action="store_true", help="one row a cell, the best rival in it")
    parser.add_argument("--page", help="Markdown page to write into; otherwise standard output")
    parser.add_argument("--section", default="steps", help="which of the page's sections")
    options = parser.parse_args()
    header, rows_of = (BEST_HEADER, best_rows) if options.best else (ENGINE_HEADER, engine_rows)
    rows = []
    for cell in CELLS:
        if any(cell.name.startswith(beginning) for beginning in options.cells):
            rows += rows_of(cell, run_cell(cell, options))
            print(" | ".join(rows[-1]), file=sys.stderr)
    report.publish(options.page, f"<!-- bench/steps.py writes {options.section} from here -->",
                   report.table(header, rows))


if __name__ == "__main__":
    main()
