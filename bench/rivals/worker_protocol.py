"""The line protocol between compare.py and an engine's worker process.

A worker loads its model, says `ready`, and then answers one job after another on its standard input
and output, so that loading, the interpreter's start and the pipe are outside every measured time.

    worker:  ready TAB load-seconds TAB description
    driver:  run TAB single|bulk TAB count TAB length, then `count` lines of text
    worker:  done TAB wall-seconds TAB cpu-seconds TAB count, then `count` lines of text
             or: error TAB message

`single` runs the texts one call after another, `bulk` hands all of them over at once. A length
above 0 asks for outputs of exactly so many tokens; engines that cannot do that answer with an
error. CPU seconds are those of the whole process. The same protocol is spoken by bench/worker.cc.
"""

import sys
import time


def split_numbers(text):
    """`1 2 => 3`: (ids of the source, ids that the output begins with)."""
    return tuple([int(number) for number in part.split()]
                 for part in (text.split("=>") + [""])[:2])


class Engine:
    """What a rival implements. Only `translate` and `translate_all` are timed."""

    def set_length(self, length):
        """Outputs of exactly `length` tokens from now on; 0: until the model ends them."""
        if length:
            raise NotImplementedError("outputs of a fixed length")

    def prepare(self, texts):
        """The inputs of `translate`, one a text."""
        return texts

    def translate(self, item):
        raise NotImplementedError

    def translate_all(self, items):
        return [self.translate(item) for item in items]

    def finish(self, outputs):
        """The texts of the outputs."""
        return outputs


def answer(engine, mode, length, texts):
    """One job: (wall seconds, CPU seconds, texts)."""
    engine.set_length(length)
    items = engine.prepare(texts)
    wall, cpu = time.perf_counter(), time.process_time()
    if mode == "single":
        outputs = [engine.translate(item) for item in items]
    elif mode == "bulk":
        outputs = engine.translate_all(items)
    else:
        raise ValueError(f"mode '{mode}', expected 'single' or 'bulk'")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall, cpu, engine.finish(outputs)


def serve(load):
    """Loads with `load() -> (engine, description)` and answers jobs until the end of input."""
    start = time.perf_counter()
    engine, description = load()
    print("ready", f"{time.perf_counter() - start:.6f}", description, sep="\t", flush=True)
    while line := sys.stdin.readline():
        _, mode, count, length = line.rstrip("\n").split("\t")
        texts = [sys.stdin.readline().rstrip("\n") for _ in range(int(count))]
        try:
            wall, cpu, answers = answer(engine, mode, int(length), texts)
        except Exception as error:  # the driver decides what a failure of a rival means
            message = " ".join(f"{type(error).__name__}: {error}".split())
            print("error", message, sep="\t", flush=True)
            continue
        print("done", f"{wall:.6f}", f"{cpu:.6f}", len(answers), sep="\t")
        for text in answers:
            print(" ".join(text.splitlines()))
        sys.stdout.flush()
