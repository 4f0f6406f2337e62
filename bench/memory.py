#!/usr/bin/env python3
"""How much memory Tandem takes: the table of docs/performance.md, and the laws that it must keep.

    python3 bench/memory.py --program build/release/bench/tandem_memory --model DIR

Laws: resident memory after all requests is at most GROWTH percent above that after the first
hundred; four times the tokens add at most 4 * SLACK times the memory. Exit status 1 when one is
broken. Not a measurement of time: other programs do not disturb it. Linux only.
"""

import argparse
import json
import os
import subprocess
import sys

import report

BEGIN = "<!-- bench/memory.py writes from here -->"
GROWTH = 5.0
SLACK = 1.5  # caches grow by doubling
MEGABYTE = 1e6
SENTENCES = (1, 4, 16, 64)
LENGTHS = (25, 50, 100, 200)


def run(options, *settings):
    """The program's line of JSON. Exit status 1 with a line is a broken law, which callers see."""
    command = [options.program, "--model", options.model, "--compute-type", options.compute_type,
               "--vocabulary", str(vocabulary_size(options.model)), *map(str, settings)]
    result = subprocess.run(command, capture_output=True, text=True)
    if not result.stdout:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def vocabulary_size(model):
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        return json.load(file)["vocab_size"]


def mixed_rows(facts):
    return [[name, *(f"{facts[key] / MEGABYTE:.0f}" for key in keys)] for name, *keys in (
        ("after the first 100 requests", "resident_after_first", "peak_after_first"),
        (f"after {facts['requests']} requests", "resident", "peak"))]


def added(facts):
    return facts["peak"] - facts["resident_before"]


def batch_rows(points):
    """`points`: {(sentences, length): facts}. What the peak is above the loaded model."""
    return [[str(sentences), *(f"{added(points[sentences, length]) / MEGABYTE:.1f}"
                               for length in LENGTHS)] for sentences in SENTENCES]


def broken_laws(mixed, points):
    broken = []
    if mixed["growth_percent"] > GROWTH:
        broken.append(f"resident memory grew by {mixed['growth_percent']:.1f} %, expected at most "
                      f"{GROWTH:.0f} %")
    for fewer, more in zip(SENTENCES, SENTENCES[1:]):
        for length in LENGTHS:
            small, large = added(points[fewer, length]), added(points[more, length])
            if large > more / fewer * SLACK * small:
                broken.append(f"{more} sentences of {length} tokens add {large} bytes, {fewer} of "
                              f"them {small}: expected in proportion")
    return broken


def section(mixed, points, options):
    parts = [
        f"{mixed['requests']} requests, {os.path.basename(options.model)} {options.compute_type}:",
        report.table(["", "resident, MB", "peak, MB"], mixed_rows(mixed)),
        "What one call adds at its peak, in MB, by sentences and by tokens of each (source and "
        "output alike), all of them in one batch of one thread:",
        report.table(["sentences", *(f"{length} tokens" for length in LENGTHS)],
                     batch_rows(points))]
    return "\n\n".join(parts)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--program", required=True, help="tandem_memory")
    parser.add_argument("--model", required=True, help="directory, packed or not")
    parser.add_argument("--compute-type", default="auto")
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("--page", help="Markdown page to write into; otherwise standard output")
    options = parser.parse_args()
    mixed = run(options, "--work", "mixed", "--requests", options.requests)
    points = {
        (sentences, length): run(
            options, "--work", "batch", "--sentences", sentences, "--length", length,
            "--threads", 1, "--batch-tokens", max(SENTENCES) * max(LENGTHS))
        for sentences in SENTENCES for length in LENGTHS}
    report.publish(options.page, BEGIN, section(mixed, points, options))
    for law in broken_laws(mixed, points):
        print(f"memory.py: {law}", file=sys.stderr)
    sys.exit(1 if broken_laws(mixed, points) else 0)


if __name__ == "__main__":
    main()
