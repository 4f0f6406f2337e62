"""How much faster: the ratio of medians of two engines, with an interval.

The engines ran in the same rounds, so rounds are resampled in pairs (bootstrap, percentile
interval; Efron and Tibshirani 1993, chapter 13). The generator is seeded: the same windows give the
same text.
"""

import dataclasses
import random
import statistics

RESAMPLES = 2000


@dataclasses.dataclass(frozen=True)
class Ratio:
    """`value` times faster; 95 % of the resampled ratios lie between `low` and `high`."""

    value: float
    low: float
    high: float

    def __str__(self):
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio_of_medians(own, against):
    """Both: for each round, the seconds of its windows, rounds in the same order."""
    if len(own) != len(against) or not own:
        raise ValueError(f"{len(own)} rounds against {len(against)}: expected the same, above 0")

    def ratio(rounds):
        mine = statistics.median(time for index in rounds for time in own[index])
        other = statistics.median(time for index in rounds for time in against[index])
        return other / mine

    generator = random.Random(1)
    indices = range(len(own))
    drawn = sorted(ratio(generator.choices(indices, k=len(own))) for _ in range(RESAMPLES))
    return Ratio(ratio(indices), drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES) - 1])


def equal_share(own, against):
    """(equal texts, all texts)."""
    if len(own) != len(against):
        raise ValueError(f"{len(own)} texts against {len(against)}")
    return sum(mine == other for mine, other in zip(own, against)), len(own)
