#!/usr/bin/env python3
"""Checks that every line which a guide shows as a diff stands in the file that the diff names.

    check_guide_diffs.py ROOT PAGE...

Lines are compared without white space at their ends; those under one "+++" must come in the order of the page.
Exit code: 0, or 1 with the lines that are not there.
"""
import pathlib
import sys


def sections_of(page):
    """(file, added lines) of every "+++" in the ```diff blocks."""
    sections, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            inside = line == "```diff"
        elif inside and line.startswith("+++ "):
            sections.append((line[4:], []))
        elif inside and line.startswith("+"):
            sections[-1][1].append(line[1:].strip())
    return sections


def missing_lines(root, file, lines):
    rest = [line.strip() for line in (root / file).read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line not in rest:
            yield f"{file}: '{line}' is not there, or not behind the lines before it"
        else:
            rest = rest[rest.index(line) + 1:]


def main():
    root = pathlib.Path(sys.argv[1])
    sections = [section for page in sys.argv[2:] for section in sections_of(pathlib.Path(page))]
    failures = [failure for file, lines in sections for failure in missing_lines(root, file, lines)]
    print("\n".join(failures + [f"{sum(len(lines) for _, lines in sections)} lines, {len(failures)} not there"]))
    return 1 if failures or not sections else 0


if __name__ == "__main__":
    sys.exit(main())
