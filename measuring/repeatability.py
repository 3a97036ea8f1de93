"""How well two halves of the rounds agree: the noise ceiling of a measured table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.measuring.journal import Visit
from archcost.measuring.round_costs import middle_mean, round_costs, round_energies

LEAST_FOR_RANKS = 3
"""Architectures below which a rank correlation says nothing."""

RoundCosts = Callable[[Iterable[Visit]], Mapping[str, npt.NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Repeatability:
    """How well two halves of the rounds agree on the order of the architectures.

    Parameters
    ----------
    spearman : float or None
        Rank correlation of the halves' costs: a lower bound for the whole table, which rests on
        twice the rounds. None where there is nothing to compare.
    n_archs : int
        Architectures with at least two successful rounds.
    """

    spearman: float | None
    n_archs: int


def repeatability(visits: Iterable[Visit], costs_of: RoundCosts = round_costs) -> Repeatability:
    """Compare the first half of each architecture's rounds with the second.

    The halves lie apart in time, so that a slow drift of the machine counts as the noise it is.

    Parameters
    ----------
    visits : iterable of Visit
        What a journal holds.
    costs_of : callable, optional
        ``round_costs``, or ``round_energies``: what to compare.

    Returns
    -------
    Repeatability
        Spearman's correlation between the costs of the two halves.
    """
    rounds: dict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        if visit.error is None:
            rounds[visit.arch].append(visit)
    halves: tuple[list[Visit], list[Visit]] = ([], [])
    for of_arch in rounds.values():
        if len(of_arch) >= 2:
            of_arch.sort(key=lambda visit: visit.round)
            halves[0].extend(of_arch[: len(of_arch) // 2])
            halves[1].extend(of_arch[len(of_arch) // 2 :])
    # Each half is corrected by itself: nothing of one may leak into the other.
    first, second = ([middle_mean(costs) for costs in costs_of(half).values()] for half in halves)
    if len(first) < LEAST_FOR_RANKS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Repeatability(None, len(first))
    from scipy.stats import spearmanr

    return Repeatability(float(spearmanr(first, second).statistic), len(first))


def least_repeatability(visits: Iterable[Visit]) -> float | None:
    """Return Spearman of the halves; of latency and energy, the lower one."""
    visits = list(visits)
    found = [repeatability(visits).spearman]
    if any(visit.energy_mj is not None for visit in visits):
        found.append(repeatability(visits, round_energies).spearman)
    known = [spearman for spearman in found if spearman is not None]
    return min(known) if len(known) == len(found) else None
