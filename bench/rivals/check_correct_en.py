#!/usr/bin/env python3
"""Checks a converted demonstration corrector: do CTranslate2's ids equal the golden ones?

Greedy and the best hypothesis of beam 4 in float32, a sentence at a time, against cases.jsonl made
with transformers. Exit status 1 when one differs; each difference is printed with its scores.
CTranslate2 stops a beam search when `beam_size` hypotheses are finished; transformers
(early_stopping false) when no running one can still win, so beam results might differ for a model
where that matters; greedy ones may not.
"""

import argparse
import collections
import json
import os
import sys

import ctranslate2
import sentencepiece


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="directory in Hugging Face layout, for its tokenizer")
    parser.add_argument("converted", help="directory in CTranslate2's layout, float32")
    parser.add_argument("cases", help="cases.jsonl")
    arguments = parser.parse_args()

    translator = ctranslate2.Translator(
        arguments.converted, compute_type="float32", intra_threads=1)
    source = sentencepiece.SentencePieceProcessor(os.path.join(arguments.model, "source.spm"))
    with open(os.path.join(arguments.model, "vocab.json"), encoding="utf-8") as file:
        ids = json.load(file)
    seen, equal = collections.Counter(), collections.Counter()
    with open(arguments.cases, encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    for case in cases:
        options = case["request"]["generation"]
        pieces = source.encode(case["request"]["text"], out_type=str)
        pieces = [piece if piece in ids else "<unk>" for piece in pieces] + ["</s>"]
        result = translator.translate_batch(
            [pieces], beam_size=options["num_beams"], return_end_token=True, return_scores=True,
            max_decoding_length=options["max_new_tokens"])[0]
        found = [ids[piece] for piece in result.hypotheses[0]]
        expected = case["expected"]["hypotheses"][0]
        kind = case["id"].split("/")[1]
        seen[kind] += 1
        if found == expected["ids"]:
            equal[kind] += 1
        else:
            print(f"{case['id']}: found {found} score {result.scores[0]:.6f}, "
                  f"expected {expected['ids']} score {expected.get('score', 'not given')}")
    for kind in seen:
        print(f"{kind}: {equal[kind]} of {seen[kind]} equal")
    sys.exit(equal != seen)


if __name__ == "__main__":
    main()
