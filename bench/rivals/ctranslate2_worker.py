#!/usr/bin/env python3
"""CTranslate2 as a worker of compare.py and steps.py, on a model that convert_marian.py wrote.

Text, or token ids with --numbers, is turned into pieces before the clock starts and back after it
stops, since in Python that would be charged to CTranslate2. Scores are not asked for, so that
greedy search skips the softmax.
Threads are workers of one thread each (`inter_threads`), its documented way to throughput.
"""

import argparse
import json
import os

import ctranslate2
import sentencepiece

from worker_protocol import Engine, serve


class CTranslate2Engine(Engine):
    def __init__(self, arguments):
        self.translator = ctranslate2.Translator(
            arguments.model, compute_type=arguments.compute_type,
            inter_threads=arguments.threads, intra_threads=1)
        self.processor = sentencepiece.SentencePieceProcessor(
            os.path.join(arguments.tokenizer, "source.spm"))
        with open(os.path.join(arguments.tokenizer, "vocab.json"), encoding="utf-8") as file:
            self.ids = json.load(file)
        self.pieces = sorted(self.ids, key=self.ids.get)
        self.numbers = arguments.numbers
        self.beam_size = arguments.beam
        self.lengths = {}
        self.batch = arguments.batch
        self.batch_type = arguments.batch_type

    def set_length(self, length):
        self.lengths = {}
        if length:
            self.lengths = {"min_decoding_length": length, "max_decoding_length": length}

    def prepare(self, texts):
        if self.numbers:
            return [[self.pieces[int(number)] for number in text.split()] for text in texts]
        encoded = self.processor.encode(texts, out_type=str)
        return [[piece if piece in self.ids else "<unk>" for piece in pieces] + ["</s>"]
                for pieces in encoded]

    def translate(self, item):
        return self.translator.translate_batch(
            [item], beam_size=self.beam_size, **self.lengths)[0]

    def translate_all(self, items):
        return self.translator.translate_batch(
            items, beam_size=self.beam_size, max_batch_size=self.batch, batch_type=self.batch_type,
            **self.lengths)

    def finish(self, outputs):
        if self.numbers:
            return [" ".join(str(self.ids[piece]) for piece in output.hypotheses[0])
                    for output in outputs]
        # Unknown pieces are left out, as transformers does with special tokens.
        return [self.processor.decode([piece for piece in output.hypotheses[0] if piece != "<unk>"])
                for output in outputs]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="directory in CTranslate2's layout")
    parser.add_argument("--tokenizer", required=True,
                        help="directory with source.spm and vocab.json")
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
