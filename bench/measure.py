"""Runs engines side by side on the same texts: interleaved, pinned, calibrated.

One round runs every engine of a cell once in order and once in reverse order (A B B A), so that a
slow drift of the machine touches all alike. The machine is calibrated between rounds; a round next
to a calibration that is more than 10 % below the machine's best is discarded and repeated. Each
engine is a process that stays loaded for the whole cell and is pinned to the same CPUs.
"""

import dataclasses
import json
import os
import subprocess
import sys
import time

WARM_UP_SECONDS = 1.0
WARM_UP_TEXTS = 400
WINDOW_SECONDS = 0.4  # short lists are repeated until a window is about this long
TOLERATED_LOSS = 0.10
WATCHED = ("float32_gflops", "int8_gops", "l2_gbs")  # DRAM and L3 are shared with unseen neighbours
ATTEMPTS = 3  # rounds tried for each round that is wanted


class WorkerError(RuntimeError):
    pass


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to run an engine; of several, the fastest is measured."""

    setting: str
    command: tuple
    environment: tuple = ()  # pairs


@dataclasses.dataclass(frozen=True)
class Contender:
    key: str
    label: str
    variants: tuple


@dataclasses.dataclass
class Window:
    wall: float  # seconds for all texts once
    cpu: float
    texts: list


@dataclasses.dataclass
class Series:
    """All that one engine did in a cell."""

    label: str
    setting: str
    description: str
    load_seconds: float
    rounds: list = dataclasses.field(default_factory=list)  # of lists of windows
    unstable: int = 0  # windows whose texts differed from the first window's

    @property
    def texts(self):
        return self.rounds[0][0].texts

    def seconds(self, kind):
        return [[getattr(window, kind) for window in windows] for windows in self.rounds]


class Worker:
    """A running engine; see rivals/worker_protocol.py for what is said."""

    def __init__(self, variant, cpus):
        command = ["taskset", "-c", cpus, *variant.command]
        self.name = " ".join(variant.command)
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, **dict(variant.environment)})
        self.passes = 1
        try:
            ready = self._receive()
            if ready[0] != "ready" or len(ready) != 3:
                raise WorkerError(f"{self.name}: expected 'ready', found {ready}")
        except WorkerError:
            self.close()
            raise
        self.load_seconds, self.description = float(ready[1]), ready[2]

    def _receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(f"{self.name}: ended with status {self.process.wait()}")
        return line.rstrip("\n").split("\t")

    def once(self, mode, texts, length=0):
        """One job; `length` tokens from each text, or as many as the model likes."""
        self.process.stdin.write(f"run\t{mode}\t{len(texts)}\t{length}\n")
        self.process.stdin.write("".join(text + "\n" for text in texts))
        self.process.stdin.flush()
        answer = self._receive()
        if answer[0] != "done":
            raise WorkerError(f"{self.name}: {' '.join(answer)}")
        lines = [self.process.stdout.readline().rstrip("\n") for _ in range(int(answer[3]))]
        return Window(float(answer[1]), float(answer[2]), lines)

    def window(self, mode, texts):
        """`passes` runs, as the mean of one."""
        runs = [self.once(mode, texts) for _ in range(self.passes)]
        return Window(sum(run.wall for run in runs) / self.passes,
                      sum(run.cpu for run in runs) / self.passes, runs[0].texts)

    def warm_up(self, mode, texts):
        """Runs for a second, settles the number of passes, and returns the least seconds of one.

        Of a long list only a part is run, of the same kinds of text.
        """
        part = texts[::-(-len(texts) // WARM_UP_TEXTS)]
        start, least = time.monotonic(), float("inf")
        while time.monotonic() - start < WARM_UP_SECONDS:
            least = min(least, self.once(mode, part).wall)
        self.passes = max(1, round(WINDOW_SECONDS / (least * len(texts) / len(part))))
        return least

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def calibrate(program, threads, cpus, milliseconds):
    """The rates that tandem_calibrate prints, each with `best` and `mean`."""
    output = subprocess.run(
        ["taskset", "-c", cpus, program,
         "--threads", str(threads), "--milliseconds", str(milliseconds)],
        check=True, capture_output=True, text=True).stdout
    rates = json.loads(output)
    rates.pop("threads")
    return rates


def disturbed(rates, reference):
    """The watched rates whose mean is too far below the best slice seen, which `reference` keeps.

    A mean of another time would not do: on a machine that is always busy it is always low.
    """
    low = []
    for name in WATCHED:
        reference[name] = max(reference.get(name, 0.0), rates[name]["best"])
        if rates[name]["mean"] < (1 - TOLERATED_LOSS) * reference[name]:
            low.append(name)
    return low


def fastest_worker(contender, mode, texts, cpus):
    """Starts every variant, keeps the one with the best warm-up time, and says which."""
    best = None
    for variant in contender.variants:
        worker = Worker(variant, cpus)
        least = worker.warm_up(mode, texts)
        if best is None or least < best[0]:
            if best:
                best[1].close()
            best = (least, worker, variant)
        else:
            worker.close()
    return best[1], best[2]


def run_round(workers, mode, texts):
    """A B C C B A; two windows for each engine."""
    keys = list(workers)
    windows = {key: [] for key in keys}
    for key in keys + keys[::-1]:
        windows[key].append(workers[key].window(mode, texts))
    return windows


def record(series, windows):
    for key, pair in windows.items():
        series[key].rounds.append(pair)
        series[key].unstable += sum(window.texts != series[key].texts for window in pair)


@dataclasses.dataclass
class Measurement:
    series: dict
    discarded: int
    quiet: bool  # false: too few undisturbed rounds, so the disturbed ones are in it


def measure(contenders, mode, texts, cpus, rounds, check):
    """Runs a cell. `check() -> names of disturbed rates` is called before and after each round."""
    workers, series = {}, {}
    try:
        for contender in contenders:
            worker, variant = fastest_worker(contender, mode, texts, cpus)
            workers[contender.key] = worker
            series[contender.key] = Series(
                contender.label, variant.setting, worker.description, worker.load_seconds)
        kept, spoilt = [], []
        before = check()
        for _ in range(ATTEMPTS * rounds):
            windows = run_round(workers, mode, texts)
            after = check()
            (spoilt if before or after else kept).append(windows)
            before = after
            if len(kept) == rounds:
                break
            if after:
                print(f"  disturbed ({', '.join(after)}), repeating", file=sys.stderr)
    finally:
        for worker in workers.values():
            worker.close()
    quiet = len(kept) == rounds
    for windows in kept if quiet else kept + spoilt:
        record(series, windows)
    return Measurement(series, len(spoilt) if quiet else 0, quiet)


def seconds_of(measurement):
    """A measurement without its texts, for JSON."""
    return {"discarded_rounds": measurement.discarded, "quiet": measurement.quiet, "engines": {
        key: {"setting": series.setting, "load_seconds": series.load_seconds,
              "wall": series.seconds("wall"), "cpu": series.seconds("cpu")}
        for key, series in measurement.series.items()}}
