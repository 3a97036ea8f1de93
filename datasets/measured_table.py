"""Turn a journal of measurements into a cost table, and say how repeatable it is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.datasets.journal import Visit
from archcost.datasets.round_costs import middle_mean, round_costs
from archcost.datasets.space import Ops, SearchSpace

if TYPE_CHECKING:
    from archcost.datasets.cost_table import CostTable

STATISTIC = (
    "mean of the middle half of the rounds; a round counts its fastest run, without the slowdown "
    "that a reference network shows at that moment. cost_std is over the rounds; cost_min and "
    "cost_median are over all runs as they were timed"
)
LEAST_FOR_RANKS = 3
"""Architectures below which a rank correlation says nothing."""


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


def repeatability(visits: Iterable[Visit]) -> Repeatability:
    """Compare the first half of each architecture's rounds with the second.

    The halves lie apart in time, so that a slow drift of the machine counts as the noise it is.

    Parameters
    ----------
    visits : iterable of Visit
        What a journal holds.

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
    first, second = (
        [middle_mean(costs) for costs in round_costs(half).values()] for half in halves
    )
    if len(first) < LEAST_FOR_RANKS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Repeatability(None, len(first))
    from scipy.stats import spearmanr

    return Repeatability(float(spearmanr(first, second).statistic), len(first))


def measured_table(
    space: SearchSpace,
    archs: Ops,
    visits: Sequence[Visit],
    *,
    device: str,
    setup: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> CostTable:
    """Summarise measurements as a cost table, one row an architecture.

    The cost is what the machine needs when nothing disturbs it (see ``STATISTIC``): neighbours on
    the machine slow all networks, and the reference network tells by how much. An architecture
    that failed in every round, or was not reached, has no cost and a status that says so.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    archs : numpy.ndarray of int8, shape (n_archs, n_positions)
        The rows of the table.
    visits : sequence of Visit
        What the journal holds, of these architectures and maybe others.
    device : str
        Id of the device in the table.
    setup : mapping
        As ``measuring_setup`` gives it; part of the provenance.
    provenance : mapping
        What else the table should tell about its making.

    Returns
    -------
    CostTable
        The table, with the repeatability in its provenance.
    """
    from archcost.datasets.cost_table import CostTable

    names = space.format_many(archs)
    wanted = set(names)
    kept = [visit for visit in visits if visit.arch in wanted]
    costs = round_costs(kept)
    runs_ms: dict[str, list[float]] = defaultdict(list)
    for visit in kept:
        runs_ms[visit.arch] += visit.latencies_ms
    seen = {visit.arch for visit in kept}
    halves = repeatability(kept)

    def column(statistic: Callable[[Any], Any], values: Mapping[str, Any]) -> list[float]:
        return [float(statistic(values[name])) if name in costs else math.nan for name in names]

    return CostTable.from_costs(
        space,
        archs,
        column(middle_mean, costs),
        device=device,
        dataset=str(setup["dataset"]),
        status=[
            "ok" if name in costs else "failed" if name in seen else "not_measured"
            for name in names
        ],
        cost_min=column(min, runs_ms),
        cost_median=column(np.median, runs_ms),
        cost_std=column(np.std, costs),
        n_repeats=[len(runs_ms[name]) for name in names],
        provenance={
            **setup,
            "cost": STATISTIC,
            "rounds": max((len(values) for values in costs.values()), default=0),
            "repeatability_spearman": halves.spearman,
            "repeatability_n_archs": halves.n_archs,
            **provenance,
        },
    )
