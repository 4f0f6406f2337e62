#!/usr/bin/env python3
"""Gives the tandem program what it should refuse, and checks exit codes, messages and the neighbours' answers.

    check_robustness.py --tandem build/release/tandem --model examples/models/correct-en

Exit codes of the program: 0 success, 1 a request failed, 2 usage, 3 the model cannot be loaded.
"""
import argparse
import json
import pathlib
import pickle
import shutil
import subprocess
import sys
import tempfile

GOOD = {"id": "good", "text": "She have two cat.", "generation": {"num_beams": 1}}
SECONDS = 120

failures = []


def expect(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAIL {what}")


class Program:
    def __init__(self, path, model):
        self.path = path
        self.model = model

    def run(self, *arguments, stdin=b""):
        """(exit code, standard output, standard error). A negative exit code is a crash."""
        done = subprocess.run([self.path, *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=SECONDS, check=False)
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def json_lines(self, command, lines):
        """(exit code, answers) for lines of bytes."""
        code, out, _ = self.run(command, "--model", self.model, "--json", stdin=b"\n".join(lines) + b"\n")
        return code, [json.loads(line) for line in out.decode().split("\n") if line]


# Lines that are no request, what their error must be, and the id that the answer must carry.
BAD_LINES = [
    (b"", "invalid_argument", None),
    (b"no json", "invalid_argument", None),
    (b"[1, 2]", "invalid_argument", None),
    (b'{"id": "cut", "text": "abc', "invalid_argument", "cut"),
    (b'{"id": "bytes", "text": "\xff\xfe"}', "invalid_argument", "bytes"),
    (b'{"id": "surrogate", "text": "\\ud800"}', "invalid_argument", "surrogate"),
    (b'{"id": "nothing"}', "invalid_argument", "nothing"),
    (b'{"id": "type", "text": 5}', "invalid_argument", "type"),
    (b'{"id": "key", "text": "a", "txet": "b"}', "invalid_argument", "key"),
    (b'{"id": "both", "text": "a", "input_ids": [1, 0]}', "invalid_argument", "both"),
    (b'{"id": "huge", "input_ids": [99999999999]}', "invalid_argument", "huge"),
    (b'{"id": "outside", "input_ids": [2999999, 0]}', "invalid_argument", "outside"),
    (b'{"id": "negative", "input_ids": [-1, 0]}', "invalid_argument", "negative"),
    (b'{"id": "utility", "text": "a", "strategy": {"name": "mbr", "utility": "ter"}}', "invalid_argument", "utility"),
    (b'{"id": "samples", "text": "a", "strategy": {"name": "mbr", "samples": 1000}}', "invalid_argument", "samples"),
    (b'{"id": "particles", "text": "a", "strategy": {"name": "smc", "particles": 0}}', "invalid_argument", "particles"),
    (b'{"id": "proposal", "text": "a", "strategy": {"name": "smc", "proposal": 1}}', "invalid_argument", "proposal"),
    (b'{"id": "diversity", "text": "a", "strategy": {"name": "diverse_beam", "diversity": ""}}', "invalid_argument",
     "diversity"),
    (b'{"id": "hot", "text": "a", "strategy": {"name": "sample"}, "generation": {"temperature": 0}}',
     "invalid_argument", "hot"),
    (b'{"id": "stop", "text": "a", "generation": {"num_beams": 2, "stop_strings": ["a"]}}', "unsupported", "stop"),
    (b'{"id": "contrast", "text": "a", "generation": {"penalty_alpha": 0.6}}', "unsupported", "contrast"),
    (b'{"id": "beams", "text": "a", "generation": {"num_beams": 0}}', "invalid_argument", "beams"),
    (b'{"id": "option", "text": "a", "generation": {"beam_number": 4}}', "invalid_argument", "option"),
    (b'{"id": "word", "text": "a", "generation": {"num_beams": "four"}}', "invalid_argument", "word"),
    (b'{"id": "strategy", "text": "a", "strategy": {"name": "oracle"}}', "unsupported", "strategy"),
    (b'{"id": "constraint", "text": "a", "constraint": {"type": "rhyme"}}', "unsupported", "constraint"),
    (b'{"id": "language", "text": "a", "target_lang": "xx-unknown"}', "invalid_argument", "language"),
    (b'{"id": "deep", "text": ' + b"[" * 100000, "invalid_argument", "deep"),
]


def check_requests(program):
    """Each bad line between two good ones: three answers in order, the good ones equal to that of a good line alone."""
    good = json.dumps(GOOD).encode()
    code, alone = program.json_lines("generate", [good])
    expect(code == 0 and "hypotheses" in alone[0], f"a good line alone: exit {code}, {alone}")
    lines = [good]
    for line, _, _ in BAD_LINES:
        lines += [line, good]
    code, answers = program.json_lines("generate", lines)
    expect(code == 1, f"bad lines: exit code {code}, expected 1")
    expect(len(answers) == len(lines), f"{len(answers)} answers to {len(lines)} lines")
    for (line, error, name), answer in zip(BAD_LINES, answers[1::2]):
        got = answer.get("error", {})
        expect(got.get("code") == error and got.get("message"), f"{line[:60]}: expected {error}, got {str(answer)[:200]}")
        expect(answer.get("id") == name, f"{line[:60]}: expected id {name}, got {answer.get('id')}")
    for answer in answers[::2]:
        expect(answer == alone[0], f"a neighbour's answer changed: {str(answer)[:200]}")


def check_other_commands(program):
    for command, line in (("score", {"id": "good", "text": "a", "target": "b"}), ("tokenize", {"id": "good", "text": "a"})):
        good = json.dumps(line).encode()
        code, answers = program.json_lines(command, [good, b"{}", b'{"id": "x", "text": 1}', good])
        expect(code == 1 and len(answers) == 4, f"{command}: exit {code}, {len(answers)} answers")
        expect([("error" in answer) for answer in answers] == [False, True, True, False], f"{command}: {answers}")


def check_texts(program):
    """Lines stay lines, whatever they hold; a line without a final line end has none in the output."""
    for name, text in {"empty line": b"\n", "spaces": b"  \t \n", "no line end": b"She have two cat.", "CRLF": b"One.\r\nTwo.\r\n",
                       "NUL": b"a\0b\n", "not UTF-8": b"caf\xe9 \xff\n", "nothing": b""}.items():
        code, out, err = program.run("translate", "--model", program.model, stdin=text)
        expect(code == 0, f"translate {name}: exit {code}: {err[:200]}")
        expect(out.count(b"\n") == text.count(b"\n"), f"translate {name}: {text!r} gave {out!r}")
    # translate cuts what is longer than the model's positions; generate refuses it by name.
    long = b"She have two cat. " * 1000 + b"\n" + b"She have two cat.\n"
    code, out, err = program.run("translate", "--model", program.model, "--no-split", stdin=long)
    expect(code == 0 and out.count(b"\n") == 2, f"long line: exit {code}, {out.count(bytes([10]))} lines: {err[:200]}")
    expect(len(out) > len(long) / 8, f"long line: only {len(out)} bytes came back")
    _, alone, _ = program.run("translate", "--model", program.model, "--no-split", stdin=b"She have two cat.\n")
    expect(out.split(b"\n")[1:2] == alone.split(b"\n")[:1], "the line after a long line changed")
    requests = [{"id": "long", "text": "She have two cat. " * 60000}, {"id": "next", "text": "She have two cat."}]
    stdin = "".join(json.dumps(r) + "\n" for r in requests).encode()
    code, out, err = program.run("generate", "--model", program.model, "--json", stdin=stdin)
    answers = [json.loads(line) for line in out.decode().split("\n") if line]
    expect(code == 1 and len(answers) == 2, f"1 MB text: exit {code}, {len(answers)} answers")
    expect(answers[0].get("error", {}).get("code") == "invalid_argument", f"1 MB text: {answers[0]}")
    expect(answers[1].get("hypotheses"), f"the request after a 1 MB text failed: {answers[1]}")


def check_models(program):
    """Directories that cannot be loaded: exit code 3 and one line that says what was expected."""
    def refuse(name, folder, word):
        code, out, err = program.run("translate", "--model", str(folder), stdin=b"a\n")
        expect(code == 3, f"{name}: exit code {code}, expected 3: {err[:200]}")
        expect(out == b"" and word in err, f"{name}: the message lacks {word!r}: {err[:300]}")

    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        refuse("missing directory", folder / "nowhere", "not_found")
        (folder / "empty").mkdir()
        refuse("empty directory", folder / "empty", "not_found")

        def copy(name):
            shutil.copytree(program.model, folder / name)
            return folder / name

        truncated = copy("truncated")
        data = (truncated / "model.safetensors").read_bytes()
        (truncated / "model.safetensors").write_bytes(data[:len(data) // 2])
        refuse("truncated weights", truncated, "corrupt")

        header = copy("header")
        (header / "model.safetensors").write_bytes(b"\xff" * 8 + data[8:])
        refuse("broken header", header, "model.safetensors")

        config = copy("config")
        (config / "config.json").write_text('{"model_type": "marian", ')
        refuse("broken config", config, "config.json")

        checkpoint = copy("pickle")
        (checkpoint / "model.safetensors").unlink()
        (checkpoint / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": [0.0]}))
        refuse("pickle checkpoint", checkpoint, "safetensors")

        wordless = copy("wordless")
        (wordless / "source.spm").write_bytes(b"\x0a\xff\xff\xff\xff\x0f")
        refuse("broken vocabulary", wordless, "source.spm")


def check_usage(program):
    for arguments in ((), ("translate",), ("fly",), ("translate", "--model", program.model, "--beam-size", "0"),
                      ("translate", "--model", program.model, "--device", "abacus"),
                      ("generate", "--model", program.model, "--strategy", "oracle")):
        code, _, err = program.run(*arguments)
        expect(code == 2 and err, f"{arguments}: exit code {code}, expected 2")
    code, _, err = program.run("translate", "--model", program.model, "--input", "no-such-file.txt")
    expect(code == 1 and "no-such-file.txt" in err, f"missing input: exit {code}: {err}")
    for command in ("translate", "generate", "score", "tokenize", "inspect", "doctor"):
        code, out, _ = program.run(command, "--help")
        expect(code == 0 and b"Example:" in out, f"{command} --help shows no example")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tandem", required=True)
    parser.add_argument("--model", required=True)
    arguments = parser.parse_args()
    program = Program(arguments.tandem, arguments.model)
    for check in (check_usage, check_models, check_texts, check_requests, check_other_commands):
        check(program)
        print(f"{check.__name__}: {len(failures)} failures so far")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
