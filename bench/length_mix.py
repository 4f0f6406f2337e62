#!/usr/bin/env python3
"""Real sentences as jobs for a model of random weights, with outputs as long as the sentences.

    python length_mix.py --model build/rivals/seeded/base-endings --output mix.txt --count 2000 help.txt

A line is `ids => id`: the sentence in the model's tokens, and the token after which the model
writes as many tokens as the sentence has, and ends (endings.json of seeded_model.py). No engine is told a
length, so each has to cope with sentences that end at different times. Run it with an interpreter
that has sentencepiece.
"""

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "rivals"))

from compare import read_texts  # noqa: E402
from marian_pieces import MarianPieces  # noqa: E402


def lines_of(texts, pieces, endings):
    """Sentences that are longer than the longest ending are left out."""
    for ids in pieces.encode_ids(texts):
        if len(ids) < len(endings):
            yield f"{' '.join(map(str, ids))} => {endings[len(ids)]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", nargs="+", help="sentences, one a line")
    parser.add_argument("--model", required=True, help="directory written by seeded_model.py")
    parser.add_argument("--count", type=int, default=2000, help="0: all")
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    with open(os.path.join(arguments.model, "endings.json"), encoding="utf-8") as file:
        endings = json.load(file)
    texts = read_texts(arguments.texts, 0, arguments.count)
    with open(arguments.output, "w", encoding="utf-8") as file:
        for line in lines_of(texts, MarianPieces(arguments.model), endings):
            file.write(line + "\n")


if __name__ == "__main__":
    main()
