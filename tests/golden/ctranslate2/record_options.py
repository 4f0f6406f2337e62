#!/usr/bin/env python3
"""Asks CTranslate2 for answers under its rarer options and writes them as cases: v2/option_cases.jsonl.

    pip install ctranslate2==4.8.5
    python3 tests/golden/ctranslate2/record_options.py

v2/vmap.txt is an input: a vocabulary map that was made for these cases.
"""
import json
import pathlib

import ctranslate2

HERE = pathlib.Path(__file__).parent
END = "</s>"
SOURCES = ["آ ت ز م و ن", "آ ز ا", "ب و ر ت ل ا ن د", "ح ا ر س ت"]

PREFIXES = ["a t z a", "a s", "p o r", "h e"]  # one for each source

# Name; options of CTranslate2; what the request says of them.
MAPS = [
    ("vmap-greedy", {"beam_size": 1, "use_vmap": True}, {"num_beams": 1}),
    ("vmap-beam4", {"beam_size": 4, "num_hypotheses": 4, "use_vmap": True}, {"num_beams": 4, "num_return_sequences": 4}),
    ("vmap-off", {"beam_size": 2, "use_vmap": False}, {"num_beams": 2}),
]

COVERAGE = [
    ("coverage-beam2", {"beam_size": 2, "coverage_penalty": 0.2}, {"num_beams": 2, "coverage_penalty": 0.2}),
    ("coverage-beam4", {"beam_size": 4, "num_hypotheses": 4, "coverage_penalty": 0.5},
     {"num_beams": 4, "num_return_sequences": 4, "coverage_penalty": 0.5}),
    ("coverage-patience", {"beam_size": 3, "num_hypotheses": 2, "coverage_penalty": 1.5, "patience": 2},
     {"num_beams": 3, "num_return_sequences": 2, "coverage_penalty": 1.5, "patience": 2}),
    ("coverage-no-length", {"beam_size": 2, "num_hypotheses": 2, "coverage_penalty": 0.5, "length_penalty": 0},
     {"num_beams": 2, "num_return_sequences": 2, "coverage_penalty": 0.5, "length_penalty": 0}),
]
# After a prefix: one that is forced and attends to the source like the rest, or a soft one.
WITH_PREFIX = [("coverage-prefix", {"beam_size": 2, "num_hypotheses": 2, "coverage_penalty": 0.5},
                {"num_beams": 2, "num_return_sequences": 2, "coverage_penalty": 0.5})]
WITH_PREFIX += [(f"soft-prefix-{beams}-{beta}",
                 {"beam_size": beams, "num_hypotheses": min(beams, 2), "prefix_bias_beta": beta},
                 {"num_beams": beams, "num_return_sequences": min(beams, 2), "prefix_bias_beta": beta})
                for beams in (1, 2, 4) for beta in (0.1, 0.5, 0.9)]
WITH_PREFIX.append(("soft-prefix-min-length",
                    {"beam_size": 2, "prefix_bias_beta": 0.6, "min_decoding_length": 7, "repetition_penalty": 1.2},
                    {"num_beams": 2, "prefix_bias_beta": 0.6, "min_new_tokens": 7, "repetition_penalty": 1.2}))


def main():
    vocabulary = (HERE / "v2/target_vocabulary.txt").read_text(encoding="utf-8").split("\n")
    translator = ctranslate2.Translator(str(HERE / "v2"), compute_type="float32", inter_threads=1, intra_threads=1)

    def case(name, source, options, request, prefix=None):
        # One sentence a call: CTranslate2 joins the maps of a batch.
        answer, = translator.translate_batch([source.split()], return_scores=True,
                                             target_prefix=[prefix.split()] if prefix else None, **options)
        hypotheses = []
        for tokens, score in zip(answer.hypotheses, answer.scores):
            hypotheses.append({"ids": [vocabulary.index(token) for token in [*tokens, END]], "text": " ".join(tokens),
                               "score": round(score, 6), "finish_reason": "eos"})
        return {"id": name, "request": {"text": source, **request}, "expected": {"hypotheses": hypotheses},
                "made_with": f"ctranslate2 {ctranslate2.__version__}"}

    cases = []
    for number, source in enumerate(SOURCES):
        for name, options, generation in MAPS:
            cases.append(case(f"{name}-{number}", source, options,
                              {"generation": generation, "shortlist": options["use_vmap"]}))
        for name, options, generation in COVERAGE:
            cases.append(case(f"{name}-{number}", source, options, {"generation": generation}))
        for name, options, generation in WITH_PREFIX:
            prefix = PREFIXES[number]
            cases.append(case(f"{name}-{number}", source, options, {"generation": generation, "prefix": prefix}, prefix))
    with open(HERE / "v2/option_cases.jsonl", "w", encoding="utf-8") as file:
        for each in cases:
            file.write(json.dumps(each, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
