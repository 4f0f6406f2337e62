#!/usr/bin/env python3
"""How much memory Tandem takes: the tables of docs/performance.md, and the laws that it must keep.

    python3 bench/memory.py --program build/release/bench/tandem_memory --model DIR

Laws: resident memory after all requests is at most GROWTH percent above that after the first
hundred; a call adds to the loaded model at most in proportion to its tokens: no more for each than
SLACK times what any smaller call adds. With --most-peak also: no call of sentences of 25 tokens with the default settings takes the process
above so many megabytes. Exit status 1 when one is broken. Not a measurement of time: other programs
do not disturb it. Linux only.
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
BATCH_TOKENS = (256, 576, 2048)
DEFAULT_BATCH_TOKENS = 576
PEAK_LENGTH = 25


def run(options, *settings):
    """The program's line of JSON. Exit status 1 with a line is a broken law, which callers see."""
    command = [options.program, "--model", options.model, "--compute-type", options.compute_type,
               "--vocabulary", str(vocabulary_size(options.model)), *map(str, settings)]
    result = subprocess.run(command, capture_output=True, text=True)
    if not result.stdout:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")
    return json.loads(result.stdout)


def run_batch(options, sentences, length, batch_tokens):
    return run(options, "--work", "batch", "--sentences", sentences, "--length", length,
               "--threads", 1, "--batch-tokens", batch_tokens)


def vocabulary_size(model):
    with open(os.path.join(model, "config.json"), encoding="utf-8") as file:
        return json.load(file)["vocab_size"]


def mixed_rows(facts):
    return [[name, *(f"{facts[key] / MEGABYTE:.1f}" for key in keys)] for name, *keys in (
        ("after the first 100 requests", "resident_after_first", "anonymous_after_first",
         "peak_after_first"),
        (f"after {facts['requests']} requests", "resident", "anonymous", "peak"))]


def added(facts):
    """What the peak of the call is above the loaded model."""
    return facts["peak"] - facts["resident_before"]


def batch_rows(points):
    """`points`: {(sentences, length): facts}. Kilobytes for each token of the sources."""
    return [[str(sentences), *(
        f"{added(points[sentences, length]) / MEGABYTE:.1f} "
        f"({added(points[sentences, length]) / 1e3 / (sentences * length):.0f})"
        for length in LENGTHS)] for sentences in SENTENCES]


def peak_rows(peaks):
    """`peaks`: {(sentences, batch tokens): facts}."""
    return [[f"{sentences} of {PEAK_LENGTH}",
             *(f"{peaks[sentences, tokens]['peak'] / MEGABYTE:.0f}" for tokens in BATCH_TOKENS)]
            for sentences in SENTENCES]


def broken_laws(mixed, points, peaks, most_peak):
    broken = []
    if mixed["growth_percent"] > GROWTH:
        broken.append(f"resident memory grew by {mixed['growth_percent']:.1f} %, expected at most "
                      f"{GROWTH:.0f} %")
    each = sorted((sentences * length, added(facts) / (sentences * length), sentences, length)
                  for (sentences, length), facts in points.items())
    for tokens, bytes_each, sentences, length in each:
        least = min((other for fewer, other, *_ in each if fewer < tokens), default=bytes_each)
        if bytes_each > SLACK * least:
            broken.append(f"{sentences} sentences of {length} tokens add {bytes_each:.0f} bytes for "
                          f"each token, a smaller call {least:.0f}: expected no more")
    for sentences in SENTENCES:
        peak = peaks[sentences, DEFAULT_BATCH_TOKENS]["peak"] / MEGABYTE
        if most_peak is not None and peak > most_peak:
            broken.append(f"{sentences} sentences of {PEAK_LENGTH} tokens take {peak:.0f} MB, "
                          f"expected at most {most_peak:.0f}")
    return broken


def section(mixed, points, peaks, options):
    parts = [
        "Peak resident memory of the process, in MB, by sentences of so many tokens (source and "
        "output alike) and by `batch_tokens`, of which "
        f"{DEFAULT_BATCH_TOKENS} is the default; one thread, greedy:",
        report.table(["", *(f"batches of {tokens} tokens" for tokens in BATCH_TOKENS)],
                     peak_rows(peaks)),
        "What one call adds at its peak to a model whose weights are resident, in MB (in KB for "
        "each token of the sources), by sentences and by tokens of each (source and output "
        "alike), all of them in one batch of one thread:",
        report.table(["sentences", *(f"{length} tokens" for length in LENGTHS)],
                     batch_rows(points)),
        f"{mixed['requests']} mixed requests, two threads; anonymous memory is what the program "
        "has taken for itself, the rest are pages of files:",
        report.table(["", "resident, MB", "of which anonymous", "peak"], mixed_rows(mixed))]
    return "\n\n".join(parts)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--program", required=True, help="tandem_memory")
    parser.add_argument("--model", required=True, help="directory, packed or not")
    parser.add_argument("--compute-type", default="auto")
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("--most-peak", type=float, help="in MB, with the default settings")
    parser.add_argument("--page", help="Markdown page to write into; otherwise standard output")
    options = parser.parse_args()
    peaks = {(sentences, tokens): run_batch(options, sentences, PEAK_LENGTH, tokens)
             for sentences in SENTENCES for tokens in BATCH_TOKENS}
    points = {
        (sentences, length): run_batch(options, sentences, length, max(SENTENCES) * max(LENGTHS))
        for sentences in SENTENCES for length in LENGTHS}
    mixed = run(options, "--work", "mixed", "--requests", options.requests)
    report.publish(options.page, BEGIN, section(mixed, points, peaks, options))
    broken = broken_laws(mixed, points, peaks, options.most_peak)
    for law in broken:
        print(f"memory.py: {law}", file=sys.stderr)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
