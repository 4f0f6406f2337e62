#!/usr/bin/env python3
"""The Bergamot engine (package `bergamot`, what browsers run) as a worker of compare.py.

The package's own __init__ looks up model lists on the network, so the native module is loaded by
itself and configured with the YAML that the engine reads. Lines are sentences, there is no cache,
and quality scores and alignments are off. `gemm-precision` int8shiftAlphaAll with the lexical
shortlist is the setting that browsers use. In `bulk` the engine batches by `mini-batch-words`, and
one shortlist serves a whole batch, so texts may differ slightly from those of `single`.
"""

import argparse
import glob
import importlib.util
import os

from worker_protocol import Engine, serve


def load_native():
    package = importlib.util.find_spec("bergamot")  # finds the folder without running __init__
    if package is None:
        raise ImportError("the package 'bergamot' is not installed in this interpreter")
    (folder,) = package.submodule_search_locations
    (path,) = glob.glob(os.path.join(folder, "_bergamot*.so"))
    spec = importlib.util.spec_from_file_location("_bergamot", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def configuration(model_dir, precision, batch_words):
    def only(pattern):
        (path,) = glob.glob(os.path.join(os.path.abspath(model_dir), pattern))
        return path

    return f"""\
models: [{only("model*.bin")}]
vocabs: [{only("vocab*.spm")}, {only("vocab*.spm")}]
shortlist: [{only("lex*.bin")}, false]
beam-size: 1
normalize: 1.0
word-penalty: 0
max-length-break: 128
mini-batch-words: {batch_words}
workspace: 128
max-length-factor: 2.5
skip-cost: true
cpu-threads: 0
quiet: true
quiet-translation: true
gemm-precision: {precision}
ssplit-mode: sentence
ssplit-prefix-file: ""
"""


class BergamotEngine(Engine):
    def __init__(self, arguments):
        self.native = load_native()
        self.service = self.native.Service(self.native.ServiceConfig(
            numWorkers=arguments.threads, cacheSize=0, logLevel="off"))
        self.model = self.service.modelFromConfig(
            configuration(arguments.model, arguments.precision, arguments.batch_words))
        self.options = self.native.ResponseOptions(
            qualityScores=False, alignment=False, HTML=False, sentenceMappings=False)

    def translate(self, item):
        return self.translate_all([item])[0]

    def translate_all(self, items):
        responses = self.service.translate(
            self.model, self.native.VectorString(items), self.options)
        return [response.target.text for response in responses]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="directory with model*.bin, vocab and lex")
    parser.add_argument("--precision", default="int8shiftAlphaAll")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch-words", type=int, default=1024)
    arguments = parser.parse_args()

    def load():
        engine = BergamotEngine(arguments)
        return engine, f"Bergamot {engine.native.__version__}"

    serve(load)


if __name__ == "__main__":
    main()
