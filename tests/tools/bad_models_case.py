"""One case of the catalogue of bad models, and the edits that its parts share."""
from __future__ import annotations

import dataclasses
import json
import pathlib
import typing


@dataclasses.dataclass
class Case:
    name: str
    base: pathlib.Path                               # a good directory
    edit: typing.Callable[[pathlib.Path], None]      # puts the fault into a copy of it
    code: str | None                                 # of the error; "ok": it loads; None: any error; "any": either
    words: tuple = ()
    kind: str = "engine"


def put(folder, name, content):
    """Replaces a file; `content`: bytes, text, or a value that becomes JSON."""
    path = folder / name
    path.unlink(missing_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def putting(name, content):
    return lambda folder: put(folder, name, content)


def without(name):
    return lambda folder: (folder / name).unlink()


def as_folder(name):
    def edit(folder):
        (folder / name).unlink()
        (folder / name).mkdir()
    return edit


BROKEN_JSON = {
    "empty": b"", "brace": b"{", "list": b"[1, 2]", "number": b"3", "null": b"null", "text": b'"text"',
    "cut": b'{"model_type": "mar', "comma": b'{"a": 1,}', "not UTF-8": b'{"a": "\xff\xfe"}', "NUL": b'{"a": 1}\0{"b": 2}',
    "twice": b'{"d_model": 1, "d_model": 2}', "deep": b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}",
    "deeper": b"[" * 100000, "huge number": b'{"a": 1e999}', "comment": b'{"a": 1} // no', "binary": bytes(range(256)),
}
