"""Which number stands for an architecture's rounds: the one that repeats best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.measuring.journal import RoundRecord
from archcost.measuring.round_costs import (
    fastest_of_rounds,
    interquartile_mean,
    round_costs,
    round_energies,
)

WITHOUT_REFERENCE_MS = RoundRecord("", 0).reference_ms

LEAST_SHARE_OF_ROUNDS = 0.75
"""Share of the most rounds that each architecture needs: the fastest of more runs is faster."""


@dataclass(frozen=True, slots=True)
class CostStatistic:
    """How the rounds of an architecture become one cost.

    Parameters
    ----------
    costs_of : callable
        Takes records and returns each architecture's cost in each round.
    summary : callable
        Takes the costs of one architecture's rounds and returns its cost.
    text : str
        What the provenance of a table says of it.
    """

    costs_of: Callable[[Iterable[RoundRecord]], Mapping[str, npt.NDArray[np.float64]]]
    summary: Callable[[npt.NDArray[np.float64]], np.floating | float]
    text: str


MIDDLE = CostStatistic(
    round_costs,
    interquartile_mean,
    "mean of the middle half of the rounds; a round counts its fastest run, without the slowdown "
    "that a reference network shows at that moment. cost_std is over the rounds; cost_min and "
    "cost_median are over all runs as they were timed",
)
FASTEST = CostStatistic(
    fastest_of_rounds,
    np.min,
    "the fastest run of all rounds as it was timed, of which the halves of the rounds agree better "
    "than of the mean of the middle half of the rounds. cost_std is over the fastest runs of the "
    "rounds; cost_median is over all runs",
)
ENERGY = CostStatistic(
    round_energies,
    interquartile_mean,
    "what the counter shows over repeated inferences, divided by their number; mean of the middle "
    "half of the rounds. cost_std, cost_min and cost_median are over the rounds",
)


def candidates(records: Iterable[RoundRecord]) -> list[CostStatistic]:
    """Return the statistics of latency that these records allow, the usual one first.

    ``FASTEST`` is one if a reference network was timed, so that single runs are known, and no
    architecture has many fewer rounds than others.

    Examples
    --------
    >>> twice = [RoundRecord(arch, round, (1.0,), 2.0) for arch in "ab" for round in (0, 1)]
    >>> len(candidates(twice)), len(candidates(twice[:-1]))
    (2, 1)
    """
    good = [record for record in records if record.error is None]
    rounds = Counter(record.arch for record in good)
    even = rounds and min(rounds.values()) >= LEAST_SHARE_OF_ROUNDS * max(rounds.values())
    timed = any(record.reference_ms != WITHOUT_REFERENCE_MS for record in good)
    return [MIDDLE, FASTEST] if even and timed else [MIDDLE]
