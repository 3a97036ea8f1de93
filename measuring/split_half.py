"""The repeatability of measured costs: how well two halves of the rounds agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.measuring.journal import RoundRecord
from archcost.measuring.round_costs import interquartile_mean, round_costs, round_energies

LEAST_FOR_RANKS = 3
"""Architectures below which a rank correlation says nothing."""

RoundCosts = Callable[[Iterable[RoundRecord]], Mapping[str, npt.NDArray[np.float64]]]


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
    records: Iterable[RoundRecord], costs_of: RoundCosts = round_costs
) -> SplitHalfCorrelation:
    """Correlate costs of the first half of each architecture's rounds with those of the second.

    The halves lie apart in time, so that a slow drift of the machine counts as the noise it is.

    Parameters
    ----------
    records : iterable of RoundRecord
        The records of a journal.
    costs_of : callable, optional
        ``round_costs``, or ``round_energies``: what to compare.

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
        [interquartile_mean(costs) for costs in costs_of(half).values()] for half in halves
    )
    if len(first) < LEAST_FOR_RANKS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return SplitHalfCorrelation(None, len(first))
    from scipy.stats import spearmanr

    return SplitHalfCorrelation(float(spearmanr(first, second).statistic), len(first))


def least_split_half_correlation(records: Iterable[RoundRecord]) -> float | None:
    """Return Spearman's correlation of the halves; of latency and energy, the lower one."""
    records = list(records)
    found = [split_half_correlation(records).spearman]
    if any(record.energy_mj is not None for record in records):
        found.append(split_half_correlation(records, round_energies).spearman)
    known = [spearman for spearman in found if spearman is not None]
    return min(known) if len(known) == len(found) else None
