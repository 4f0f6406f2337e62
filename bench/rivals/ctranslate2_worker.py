#!/usr/bin/env python3
"""CTranslate2 as a worker of compare.py and steps.py, on a model that convert_marian.py or
convert_t5.py wrote.

Text, or token ids with --numbers, is turned into pieces before the clock starts and back after it
stops, since in Python that would be charged to CTranslate2. Ids after `=>` are what an output
begins with. Scores are not asked for, so that greedy search skips the softmax.
Threads are workers of one thread each (`inter_threads`), its documented way to throughput.
"""

import argparse
import json
import os

import ctranslate2

from marian_pieces import MarianPieces
from worker_protocol import Engine, serve, split_numbers


class CTranslate2Engine(Engine):
    def __init__(self, arguments):
        self.translator = ctranslate2.Translator(
            arguments.model, compute_type=arguments.compute_type,
            inter_threads=arguments.threads, intra_threads=1)
        self.numbers = arguments.numbers
        if self.numbers:
            vocabulary = os.path.join(arguments.model, "shared_vocabulary.json")
            with open(vocabulary, encoding="utf-8") as file:
                self.names = json.load(file)
            self.ids = {name: index for index, name in enumerate(self.names)}
        else:
            self.pieces = MarianPieces(arguments.tokenizer)
        self.beam_size = arguments.beam
        self.lengths = {}
        self.batch = arguments.batch
        self.batch_type = arguments.batch_type

    def set_length(self, length):
        self.lengths = {}
        if length:
            self.lengths = {"min_decoding_length": length, "max_decoding_length": length}

    def prepare(self, texts):
        """Pairs of the pieces of the source and of what the output begins with."""
        if not self.numbers:
            return [(pieces, None) for pieces in self.pieces.encode(texts)]
        return [tuple([self.names[number] for number in numbers] or None
                      for numbers in split_numbers(text)) for text in texts]

    def options(self, items):
        forced = {}
        if any(prefix for _, prefix in items):
            forced = {"target_prefix": [prefix for _, prefix in items]}
        return {"beam_size": self.beam_size, "return_end_token": self.numbers, **self.lengths,
                **forced}

    def translate(self, item):
        return self.translator.translate_batch([item[0]], **self.options([item]))[0]

    def translate_all(self, items):
        return self.translator.translate_batch(
            [source for source, _ in items], max_batch_size=self.batch,
            batch_type=self.batch_type, **self.options(items))

    def finish(self, outputs):
        hypotheses = [output.hypotheses[0] for output in outputs]
        if self.numbers:
            return [" ".join(str(self.ids[piece]) for piece in pieces) for pieces in hypotheses]
        return self.pieces.decode(hypotheses)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="directory in CTranslate2's layout")
    parser.add_argument("--tokenizer", help="directory with source.spm and vocab.json, for texts")
    parser.add_argument("--compute-type", default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--numbers", action="store_true", help="texts are token ids, in and out")
    parser.add_argument("--batch", type=int, default=32, help="most in one batch, for bulk")
    parser.add_argument("--batch-type", choices=["examples", "tokens"], default="examples")
    arguments = parser.parse_args()
    serve(lambda: (CTranslate2Engine(arguments), f"CTranslate2 {ctranslate2.__version__}"))


if __name__ == "__main__":
    main()
