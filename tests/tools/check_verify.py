#!/usr/bin/env python3
"""tandem verify agrees with golden cases, and says so when a case does not agree.

    check_verify.py --tandem build/release/tandem FOLDER

The folder holds a model with cases.jsonl and score_cases.jsonl.
Exit code: 0, or 1 with what is wrong.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", required=True, type=pathlib.Path, help="the program")
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    failures = []

    def verify(*files):
        done = subprocess.run([arguments.tandem, "verify", "-m", arguments.folder, "--cases", *files],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    def expect(result, code, word):
        if result[0] != code or word not in result[1]:
            failures.append(f"expected exit {code} and {word!r}, found exit {result[0]}: {result[1][-300:]}")

    cases = [json.loads(line) for line in (arguments.folder / "cases.jsonl").read_text().split("\n") if line]
    expect(verify(arguments.folder / "cases.jsonl", arguments.folder / "score_cases.jsonl"), 0, "cases agree")
    with tempfile.TemporaryDirectory() as scratch:
        changed = pathlib.Path(scratch) / "changed.jsonl"

        def with_first(change):
            case = json.loads(json.dumps(cases[0]))
            change(case["expected"]["hypotheses"][0])
            changed.write_text("\n".join(json.dumps(one) for one in [case] + cases[1:5]) + "\n")
            return verify(changed)

        expect(with_first(lambda hypothesis: None), 0, "5 of 5 cases agree")
        expect(with_first(lambda hypothesis: hypothesis["ids"].append(1)), 1, "4 of 5 cases agree")
        expect(with_first(lambda hypothesis: hypothesis.update(sum_log_prob=hypothesis["sum_log_prob"] + 0.01)), 1,
               "sum_log_prob")
        expect(with_first(lambda hypothesis: hypothesis.update(finish_reason="other")), 1, "finish_reason")
        changed.write_text('{"id": "1", "request": {}}\n')
        expect(verify(changed), 1, "expected an object")
    for failure in failures:
        print(f"FAIL {failure}")
    print(f"{len(cases)} cases, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
