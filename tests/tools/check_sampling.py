#!/usr/bin/env python3
"""Strategies that draw, on a real model: the same seed gives the same answers in any batch and at any number of threads.

    check_sampling.py --tandem build/release/tandem --model examples/models/correct-en

Also: the encoder runs once a request however many samples there are, another seed gives other samples, and what a
constraint does not allow never comes out.
"""
import argparse
import json
import random
import subprocess
import sys

TEXTS = ["She have two cat.", "You cannot deletes the last sheet of a document.", "He go to school every day."]
LABELS = ["She has two cats.", "She has two cat.", "She had two cats."]
GENERATIONS = [
    ({"name": "sample"}, {"num_return_sequences": 5}),
    ({"name": "sample"}, {"num_return_sequences": 3, "top_k": 0, "top_p": 0.95, "temperature": 1.2}),
    ({"name": "beam_sample"}, {"num_beams": 4, "temperature": 1.5, "num_return_sequences": 4}),
    ({"name": "stochastic_beam"}, {"num_beams": 4}),
    ({"name": "mbr", "samples": 6}, {}),
    ({"name": "mbr", "samples": 6, "utility": "bleu"}, {}),
    ({"name": "smc", "particles": 4}, {"max_new_tokens": 60}),
    ({"name": "smc", "particles": 4, "proposal": "awrs"}, {"max_new_tokens": 60}),
]

failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAIL {what}")


def ask(arguments, requests, threads):
    """Answers by id."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    command = [arguments.tandem, "generate", "--model", arguments.model, "--json", "--threads", str(threads)]
    done = subprocess.run(command, input=lines, text=True, stdout=subprocess.PIPE, timeout=300, check=True)
    return {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}


def make_requests(seed):
    requests = []
    for i, (strategy, generation) in enumerate(GENERATIONS):
        for j, text in enumerate(TEXTS):
            requests.append({"id": f"{i}/{j}", "text": text, "strategy": strategy,
                             "generation": {**generation, "seed": seed}})
    constraint = {"type": "trie", "sequences": LABELS}
    for i, (strategy, generation) in enumerate(GENERATIONS):
        requests.append({"id": f"{i}/labels", "text": TEXTS[0], "strategy": strategy, "constraint": constraint,
                         "generation": {**generation, "seed": seed}})
    return requests


def without_passes(answer):
    return {key: value for key, value in answer.items() if key != "stats"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", required=True)
    parser.add_argument("--model", required=True)
    arguments = parser.parse_args()

    requests = make_requests(seed=1)
    together = ask(arguments, requests, threads=1)
    for request_id, answer in together.items():
        expect("error" not in answer, f"{request_id}: {answer.get('error')}")
        expect(answer.get("stats", {}).get("encoder_runs") == 1, f"{request_id}: the encoder runs once")
        if request_id.endswith("labels"):
            texts = {hypothesis["text"] for hypothesis in answer.get("hypotheses", [])}
            expect(texts and texts <= set(LABELS), f"{request_id}: outside the labels: {texts}")

    shuffled = list(requests)
    random.Random(5).shuffle(shuffled)
    alone = {}
    for request in requests[::5]:
        alone.update(ask(arguments, [request], threads=2))
    for name, answers in (("shuffled on two threads", ask(arguments, shuffled, threads=2)), ("alone", alone)):
        for request_id, answer in answers.items():
            expect(without_passes(answer) == without_passes(together[request_id]), f"{request_id} {name} differs")

    others = ask(arguments, make_requests(seed=2), threads=1)
    differing = sum(others[request_id] != answer for request_id, answer in together.items())
    expect(differing > len(together) // 2, f"another seed changes only {differing} of {len(together)} answers")
    print(f"{len(requests)} requests, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
