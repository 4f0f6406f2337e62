#!/usr/bin/env python3
"""What the program says about a model's inside: `tandem encode`, `attribute`, and the fields of `score`.

    check_inside.py --tandem build/release/tandem --model DIRECTORY

Each law is checked on a few sentences: shapes agree with the ids; weights sum to 1; a field that is not asked for
is not there; masked heads change numbers and no mask changes none; plain lines and JSON lines agree; a bad request
is an error of its line alone.
Exit code: 0 all hold, 1 one does not.
"""
import argparse
import json
import math
import subprocess
import sys

TEXT = "She have two cat."
TARGET = "She has two cats."
failures = []


def check(what, holds):
    if not holds:
        failures.append(what)


def ask(program, model, command, requests, options=("--json",)):
    """The answers to a list of requests, in order."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([program, command, "-m", model, *options], input=lines, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_score(program, model):
    plain = {"id": "plain", "text": TEXT, "target": TARGET}
    masked = [{"attention": kind, "layer": 0, "head": 0, "mask": mask}
              for kind in ("encoder", "decoder", "cross") for mask in ("zero", "uniform")]
    requests = [plain, {**plain, "alignment": True, "hidden_states": True},
                {**plain, "alignment": {"layer": 0, "head": "mean"}},
                *({**plain, "masked_heads": [head]} for head in masked),
                {**plain, "masked_heads": [{"layer": 99}]}, {**plain, "masked_heads": [{"mask": "half"}]}]
    answers = ask(program, model, "score", requests)
    first, full, mean = answers[:3]
    check("score: nothing is there unasked", "alignment" not in first and "hidden_states" not in first)
    check("score: fields change no numbers", full["token_log_probs"] == first["token_log_probs"])
    length = len(first["token_log_probs"])
    for answer in (full, mean):
        rows = answer["alignment_weights"]
        check("score: a row of weights for each token", len(rows) == length)
        check("score: weights sum to 1", all(math.isclose(sum(row), 1, abs_tol=1e-5) for row in rows))
        check("score: a link for each token", len(answer["alignment"].split()) == length)
    check("score: a state for each token", len(full["hidden_states"]) == length)
    for head, answer in zip(masked, answers[3:-2]):
        check(f"score: {head} changes numbers", answer["token_log_probs"] != first["token_log_probs"])
    check("score: a layer that is not there", "layer 99" in answers[-2]["error"]["message"])
    check("score: an unknown mask", "request.masked_heads.mask" in answers[-1]["error"]["message"])


def check_encode(program, model):
    requests = [{"id": "1", "text": TEXT, "hidden_states": True}, {"id": "2", "text": TEXT}, {"id": "3"}]
    full, plain, bad = ask(program, model, "encode", requests)
    states, width = full["hidden_states"], len(full["embedding"])
    check("encode: a state for each id", len(states) == len(full["ids"]) and all(len(x) == width for x in states))
    mean = [sum(column) / len(states) for column in zip(*states)]
    check("encode: the embedding is the mean",
          all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(mean, full["embedding"])))
    check("encode: states only when asked", "hidden_states" not in plain and plain["embedding"] == full["embedding"])
    check("encode: a line without input", bad["error"]["code"] == "invalid_argument")
    text = subprocess.run([program, "encode", "-m", model], input=TEXT + "\n", capture_output=True, text=True).stdout
    check("encode: plain lines agree", [float(x) for x in text.split()] == full["embedding"])

    values = [0.5] * width
    added = [{**requests[0], "added_embeddings": [{"position": 1, "values": values}]},
             {**requests[0], "added_embeddings": [{"position": 999, "values": values}]}]
    changed, beyond = ask(program, model, "encode", added)
    check("encode: what is added counts", changed["hidden_states"] != states)
    check("encode: nothing is added beyond the source", "position 999" in beyond["error"]["message"])


def check_attribute(program, model):
    request = {"id": "1", "text": TEXT, "prefix": "She", "max_trials": 64, "seed": 3}
    found, again, asked, bad = ask(program, model, "attribute",
                                   [request, request, {**request, "target_id": 5}, {**request, "target_id": 10**6}], ())
    check("attribute: importance for each id", len(found["importance"]) == len(found["ids"]))
    check("attribute: importance sums to 1", math.isclose(sum(found["importance"]), 1, abs_tol=1e-6))
    check("attribute: a seed repeats", again == found)
    check("attribute: the target is the one asked about", asked["target_id"] == 5)
    check("attribute: a target outside the vocabulary", bad["error"]["code"] == "invalid_argument")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", required=True)
    parser.add_argument("--model", required=True)
    arguments = parser.parse_args()
    for part in (check_score, check_encode, check_attribute):
        part(arguments.tandem, arguments.model)
    for failure in failures:
        print(f"FAIL {failure}")
    print("failed" if failures else "all hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
