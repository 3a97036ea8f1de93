"""Turn a journal of measurements into a cost table, and say how repeatable it is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.datasets.journal import Visit
from archcost.datasets.space import Ops, SearchSpace

if TYPE_CHECKING:
    from archcost.datasets.cost_table import CostTable

STATISTIC = "minimum over all rounds; spread is the standard deviation of the rounds' minima"
LEAST_FOR_RANKS = 3
"""Architectures below which a rank correlation says nothing."""


@dataclass(frozen=True, slots=True)
class Repeatability:
    """How well two halves of the rounds agree on the order of the architectures.

    Parameters
    ----------
    spearman : float or None
        Rank correlation of the halves' minima: the noise ceiling of a table measured with half the
        rounds, so that of the whole is above it. None where there is nothing to compare.
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
        Spearman's correlation between the minima of the two halves.
    """
    halves = []
    for minima in _round_minima(visits).values():
        if len(minima) >= 2:
            middle = len(minima) // 2
            halves.append((minima[:middle].min(), minima[middle:].min()))
    first, second = np.array(halves).reshape(-1, 2).T
    if len(halves) < LEAST_FOR_RANKS or np.ptp(first) == 0 or np.ptp(second) == 0:
        return Repeatability(None, len(halves))
    from scipy.stats import spearmanr

    return Repeatability(float(spearmanr(first, second).statistic), len(halves))


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

    The cost is the minimum over all rounds, the most repeatable statistic on a machine with
    neighbours; the median and the spread of the rounds are kept beside it. An architecture that
    failed in every round, or was not reached, has no cost and a status that says so.

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
    minima = _round_minima(kept)
    runs_ms: dict[str, list[float]] = defaultdict(list)
    for visit in kept:
        runs_ms[visit.arch] += visit.latencies_ms
    seen = {visit.arch for visit in kept}
    halves = repeatability(kept)
    return CostTable.from_costs(
        space,
        archs,
        np.array([minima[name].min() if name in minima else math.nan for name in names]),
        device=device,
        dataset=str(setup["dataset"]),
        status=[
            "ok" if name in minima else "failed" if name in seen else "not_measured"
            for name in names
        ],
        cost_median=np.array([np.median(runs_ms[name] or [math.nan]) for name in names]),
        cost_std=np.array([np.std(minima[name]) if name in minima else math.nan for name in names]),
        n_repeats=[len(runs_ms[name]) for name in names],
        provenance={
            **setup,
            "cost": STATISTIC,
            "rounds": max((len(values) for values in minima.values()), default=0),
            "repeatability_spearman": halves.spearman,
            "repeatability_n_archs": halves.n_archs,
            **provenance,
        },
    )


def _round_minima(visits: Iterable[Visit]) -> dict[str, npt.NDArray[np.float64]]:
    """Return each architecture's minimum latency in each successful round, in order of rounds."""
    rounds: dict[str, dict[int, float]] = defaultdict(dict)
    for visit in visits:
        if visit.error is None:
            rounds[visit.arch][visit.round] = min(visit.latencies_ms)
    return {arch: np.array([found[i] for i in sorted(found)]) for arch, found in rounds.items()}
