#!/usr/bin/env python3
"""Holds CTranslate2's format to Hugging Face's, and to CTranslate2 itself, through the tandem program.

    compare_formats.py --tandem build/release/tandem [--answers DIR] HUGGING_FACE_DIRECTORY ...

Each model is written in CTranslate2's format (ctranslate2_writer.py) and must give the same ids, and scores within 1e-5,
under the same search rules: greedy and beam search by Hugging Face's profile and by CTranslate2's.
DIR holds files MODEL-TYPE.jsonl: what CTranslate2 answers for the model as it is written with weights of that type.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import run_golden
from ctranslate2_writer import write_directory

TOLERANCE = 1e-5
SOURCES = 6
FLOATS = ["--compute-type", "float32"]
SEARCHES = [{"num_beams": 1}, {"num_beams": 4, "num_return_sequences": 4},
            {"num_beams": 3, "length_penalty": 0.0, "repetition_penalty": 1.3, "no_repeat_ngram_size": 2}]


def requests(folder):
    """The sources of the golden cases, with the model's own defaults written out."""
    defaults = json.loads((folder / "generation_config.json").read_text())
    sources = []
    for line in (folder / "cases.jsonl").read_text().splitlines():
        ids = json.loads(line)["request"].get("input_ids")
        if ids and ids not in sources:
            sources.append(ids)
    lines = []
    for source in sources[:SOURCES]:
        for profile in ("huggingface", "ctranslate2"):
            for search in SEARCHES:
                generation = {"min_length": 0, **defaults, "max_new_tokens": 16, **search}
                generation.pop("max_length", None)
                lines.append({"id": str(len(lines)), "input_ids": source, "profile": profile, "generation": generation})
    return lines


def ask(program, folder, lines):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([program, "generate", "--model", folder, "--json", *FLOATS], input=text.encode(),
                          stdout=subprocess.PIPE, check=False)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def differences(lines, ours, theirs):
    """What is wrong, a line for each request that differs."""
    if len(ours) != len(lines) or len(theirs) != len(lines):
        return [f"{len(lines)} requests, {len(ours)} and {len(theirs)} answers"]
    found = []
    for line, a, b in zip(lines, ours, theirs):
        if "hypotheses" not in a or "hypotheses" not in b:
            found.append(f"{line['id']}: {a.get('error')} {b.get('error')}")
            continue
        same = [h["ids"] for h in a["hypotheses"]] == [h["ids"] for h in b["hypotheses"]]
        near = all(abs(x["score"] - y["score"]) <= TOLERANCE for x, y in zip(a["hypotheses"], b["hypotheses"]))
        if not (same and near):
            found.append(f"{line['id']} ({line['profile']}): {a['hypotheses'][0]} and {b['hypotheses'][0]}")
    return found


def compare(program, model, written):
    lines = requests(model)
    found = differences(lines, ask(program, model, lines), ask(program, written, lines))
    print(f"{'FAIL' if found else 'ok  '} {model.name}: {len(lines) - len(found)} of {len(lines)}")
    for line in found[:3]:
        print("     " + line[:400])
    return len(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", required=True, type=pathlib.Path, help="the program")
    parser.add_argument("--answers", type=pathlib.Path, help="directory of CTranslate2's own answers")
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    program = arguments.tandem.resolve()
    failed = 0
    for model in arguments.models:
        with tempfile.TemporaryDirectory() as temporary:
            written = pathlib.Path(temporary) / "float32"
            write_directory(model, written)
            failed += compare(program, model, written)
            for answers in sorted(arguments.answers.glob(f"{model.name}-*.jsonl")) if arguments.answers else []:
                kind = answers.stem.rsplit("-", 1)[1]
                written = pathlib.Path(temporary) / kind
                if not written.exists():
                    write_directory(model, written, kind)
                failed += len(run_golden.run_file(program, answers, written, FLOATS)[1])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
