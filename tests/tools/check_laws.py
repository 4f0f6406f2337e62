#!/usr/bin/env python3
"""Checks the table of laws in docs/decoding.md: A1 to A25 are all there, and every test that it names exists.

    check_laws.py ROOT

A row reads: | A1 | what holds | `folder/file`: `Suite.Name`, `Suite.Name`; `folder/file`: ... |
Files are below tests/. A row without tests begins its last cell with "none:" and says why.
"""
import pathlib
import re
import sys

ROW = re.compile(r"^\| (A\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
LAWS = [f"A{number}" for number in range(1, 26)]


def failures(cell, tests):
    """What is wrong with the tests that a cell names."""
    if cell.startswith("none: "):
        return
    text = None
    for name in QUOTED.findall(cell):
        if "/" in name:
            path = tests / name
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            if not path.is_file():
                yield f"there is no {path}"
        elif text is None:
            yield f"{name} stands before the name of its file"
        elif not re.search(r"^TEST(_P|_F)?\({}, {}\)".format(*name.split(".")), text, re.MULTILINE):
            yield f"{name} is not in the file that stands before it"
    if text is None:
        yield 'no test and no reason ("none: ...")'


def main():
    root = pathlib.Path(sys.argv[1])
    rows = {law: cell for law, _, cell in ROW.findall((root / "docs/decoding.md").read_text(encoding="utf-8"))}
    found = [f"{law}: there is no row" for law in LAWS if law not in rows]
    for law, cell in rows.items():
        found += [f"{law}: {failure}" for failure in failures(cell, root / "tests")]
    print("\n".join(found) or f"{len(rows)} laws, all with their tests")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
