"""The repeatability of measured costs: how well two halves of the rounds agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from archcost.measuring.cost_statistic import ENERGY, MIDDLE, CostStatistic, candidates
from archcost.measuring.journal import RoundRecord

LEAST_FOR_RANKS = 3
"""Architectures below which a rank correlation says nothing."""


@dataclass(frozen=True, slots=True)
class SplitHalfCorrelation:
    """Rank correlation between the costs of two halves of the rounds.

    Parameters
    ----------
    spearman : float or None
        Spearman's correlation of the halves' costs: a lower bound for that of the whole table,
        which rests on twice the rounds. None if there are too few architectures or rounds.
    n_archs : int
        Architectures with at least two successful rounds.
    """

    spearman: float | None
    n_archs: int


def split_half_correlation(
    records: Iterable[RoundRecord], statistic: CostStatistic = MIDDLE
) -> SplitHalfCorrelation:
    """Correlate costs of the first half of each architecture's rounds with those of the second.

    The halves lie apart in time, so that a slow drift of the machine counts as the noise it is.

    Parameters
    ----------
    records : iterable of RoundRecord
        The records of a journal.
    statistic : CostStatistic, optional
        What to compare.

    Returns
    -------
    SplitHalfCorrelation
        Spearman's correlation between the costs of the two halves.
    """
    rounds: dict[str, list[RoundRecord]] = defaultdict(list)
    for record in records:
        if record.error is None:
            rounds[record.arch].append(record)
    halves: tuple[list[RoundRecord], list[RoundRecord]] = ([], [])
    for of_arch in rounds.values():
        if len(of_arch) >= 2:
            of_arch.sort(key=lambda record: record.round)
            halves[0].extend(of_arch[: len(of_arch) // 2])
            halves[1].extend(of_arch[len(of_arch) // 2 :])
    # Each half is corrected by itself: nothing of one may leak into the other.
    first, second = (
        [float(statistic.summary(costs)) for costs in statistic.costs_of(half).values()]
        for half in halves
    )
    if len(first) < LEAST_FOR_RANKS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return SplitHalfCorrelation(None, len(first))
    from scipy.stats import spearmanr

    return SplitHalfCorrelation(float(spearmanr(first, second).statistic), len(first))


def most_repeatable(
    records: Iterable[RoundRecord],
) -> tuple[CostStatistic, SplitHalfCorrelation]:
    """Return the statistic of latency of which the halves agree best, and how well they agree.

    On a quiet machine that is the mean of the middle half of the rounds; among busy neighbours,
    whose disturbance only ever adds, it may be the fastest run.
    """
    records = list(records)
    found = [(one, split_half_correlation(records, one)) for one in candidates(records)]
    return max(found, key=lambda pair: pair[1].spearman or -1.0)


def least_split_half_correlation(records: Iterable[RoundRecord]) -> float | None:
    """Return Spearman's correlation of the halves; of latency and energy, the lower one."""
    records = list(records)
    found = [most_repeatable(records)[1].spearman]
    if any(record.energy_mj is not None for record in records):
        found.append(split_half_correlation(records, ENERGY).spearman)
    known = [spearman for spearman in found if spearman is not None]
    return min(known) if len(known) == len(found) else None
