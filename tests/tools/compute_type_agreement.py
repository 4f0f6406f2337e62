#!/usr/bin/env python3
"""How many greedy tokens of float32 the narrower compute types keep.

    compute_type_agreement.py --tandem build/release/tandem [--sentences FILE --model DIR] [CASES.jsonl ...]
                              [--types bfloat16,int8] [--least bfloat16=0.99]

Sentences are lines whose first column (up to a tab) is the source, answered greedily by the model of --model; each
case file is asked its requests that are greedy, by the model in its folder. A token is kept when the same token stands
at the same place; what follows an inserted or a lost token counts as lost, so the share is a lower bound. The share is
of the longer of the two outputs. A line for each set is printed as a row of a table.
Exit code: 0, or 1 when --least asks for more than the sentences keep.
"""
import argparse
import json
import pathlib
import subprocess
import sys

BASE = "float32"


def is_greedy(request):
    generation = request.get("generation", {})
    return ("strategy" not in request and generation.get("num_beams", 1) == 1 and not generation.get("do_sample")
            and generation.get("num_return_sequences", 1) == 1)


def read_sentences(path):
    return [{"text": line.split("\t")[0], "generation": {"num_beams": 1}}
            for line in path.read_text(encoding="utf-8").splitlines()]


def read_cases(path):
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return [case["request"] for case in cases if "error" not in case["expected"] and is_greedy(case["request"])]


def answers(program, model, requests, compute_type):
    """The ids of every request's first hypothesis."""
    lines = "".join(json.dumps(request, ensure_ascii=False) + "\n" for request in requests)
    done = subprocess.run([program, "generate", "--model", model, "--json", "--compute-type", compute_type],
                          input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line)["hypotheses"][0]["ids"] for line in done.stdout.decode().split("\n") if line]


def compare(expected, found):
    """(kept tokens, tokens, equal outputs) over all requests."""
    kept = sum(a == b for e, f in zip(expected, found) for a, b in zip(e, f))
    tokens = sum(max(len(e), len(f)) for e, f in zip(expected, found))
    return kept, tokens, sum(e == f for e, f in zip(expected, found))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", required=True, type=pathlib.Path, help="the program")
    parser.add_argument("--sentences", type=pathlib.Path, help="a file of sentences")
    parser.add_argument("--model", type=pathlib.Path, help="the model that answers the sentences")
    parser.add_argument("--types", default="bfloat16,int8")
    parser.add_argument("--least", default="", metavar="TYPE=SHARE", help="of the sentences' tokens")
    parser.add_argument("cases", nargs="*", type=pathlib.Path)
    arguments = parser.parse_args()

    program = str(arguments.tandem.resolve())
    types = arguments.types.split(",")
    sets = [(path.parent.name, path.parent, read_cases(path)) for path in arguments.cases]
    if arguments.sentences:
        sets.append((arguments.sentences.name, arguments.model, read_sentences(arguments.sentences)))
    shares = {}
    print("| set | outputs | tokens |" + "".join(f" {kind}: tokens kept | outputs equal |" for kind in types))
    print("| --- |" + " --- |" * (2 + 2 * len(types)))
    for name, model, requests in sets:
        if not requests:
            continue
        expected = answers(program, str(model.resolve()), requests, BASE)
        row = f"| {name} | {len(expected)} | {sum(map(len, expected))} |"
        for kind in types:
            kept, tokens, equal = compare(expected, answers(program, str(model.resolve()), requests, kind))
            shares[kind] = kept / tokens  # of the sentences in the end, which come last
            row += f" {100 * kept / tokens:.2f} % | {equal} |"
        print(row, flush=True)
    if arguments.least:
        kind, least = arguments.least.split("=")
        if shares[kind] < float(least):
            print(f"{kind} keeps {shares[kind]:.4f} of the tokens, expected at least {least}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
