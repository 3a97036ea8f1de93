"""Find architectures that score high and cost little, on any number of devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.datasets import CostTable
from archcost.datasets.accuracies import read_accuracy
from archcost.errors import ArchcostError
from archcost.models import CostModel
from archcost.search.evolving import Objective, Scored, evolve
from archcost.search.search_costs import SearchCosts, search_costs
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.space import Ops

if TYPE_CHECKING:
    import pandas as pd

ENUMERABLE = 1 << 17
"""Spaces up to this size are filtered by their predicted costs as a whole."""


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Parameters
    ----------
    front : pandas.DataFrame
        The Pareto front, highest score first: arch (the space's string), score, and for each cost
        its predicted mean, such as ``raspi4_latency_ms``, and interval, ``..._low``, ``..._high``.
    n_scored : int
        Architectures whose objective was asked for.
    costs : SearchCosts
        Models and limits.
    """

    front: pd.DataFrame
    n_scored: int
    costs: SearchCosts

    @property
    def best(self) -> str:
        """The architecture with the highest score."""
        return str(self.front["arch"].iloc[0])

    def verify(self, table: CostTable) -> pd.DataFrame:
        """Look the front's true costs up in a table.

        Parameters
        ----------
        table : CostTable
            True costs of the devices searched for.

        Returns
        -------
        pandas.DataFrame
            The front with columns ``..._true`` (NaN where the table has none), ``..._covered``
            (whether the interval holds the true cost) and, for limits, ``..._kept``.

        Raises
        ------
        MissingDataError
            If the table has no costs of a device.
        """
        import pandas as pd

        verified = self.front.copy()
        for cost in self.costs.costs:
            ops, true = table.costs(cost.model.key)
            known = pd.Series(true, index=cost.model.space.format_many(ops))
            name = cost.column
            truth = known.reindex(verified["arch"]).to_numpy()
            missing = np.isnan(truth)
            covered = (verified[f"{name}_low"] <= truth) & (truth <= verified[f"{name}_high"])
            verified[f"{name}_true"] = truth
            verified[f"{name}_covered"] = covered.astype("boolean").mask(missing)
            if np.isfinite(cost.at_most):
                kept = pd.Series(truth <= cost.at_most, index=verified.index, dtype="boolean")
                verified[f"{name}_kept"] = kept.mask(missing)
        return verified


def search(
    space: SearchSpace | str,
    objective: Objective | Any,
    constraints: Mapping[str, float] | None = None,
    *,
    devices: Iterable[str] = (),
    models: Mapping[str, CostModel] | None = None,
    dataset: str | None = None,
    budget: int = 500,
    level: float = 0.9,
    cautious: bool = True,
    seed: int = 0,
) -> SearchResult:
    """Search for architectures with a high score within limits on predicted costs.

    Parameters
    ----------
    space : SearchSpace or str
        The search space.
    objective : callable, or accuracies
        ``(arch) -> float``, given the space's string; the higher, the better. Or accuracies in
        any form that `read_accuracy` takes; then only architectures that have one are candidates.
    constraints : mapping of str to float, optional
        Limits by device: ``{"raspi4": 12.0, "edgegpu:energy": 30.0}`` is latency in ms and energy
        in mJ.
    devices : iterable of str, optional
        Devices whose cost is to be low as well, without a limit.
    models : mapping of str to CostModel, optional
        Models by such names, such as that of a new device; installed ones by default.
    dataset : str, optional
        Fixes the input size of installed models; the space's default by default.
    budget : int, default=500
        How often the objective may be asked.
    level : float, default=0.9
        Probability of the intervals.
    cautious : bool, default=True
        Keep the upper ends of the intervals within the limits, rather than the means.
    seed : int, default=0
        Fixes everything random.

    Returns
    -------
    SearchResult
        The Pareto front of the score and all costs.

    Raises
    ------
    ArchcostError
        If no architecture is found within the limits.
    UnknownNameError
        If no model covers a device.

    Notes
    -----
    Costs are predicted before an architecture is scored, so the budget goes only to architectures
    within the limits. Small spaces and candidates are filtered as a whole; if few enough remain,
    all are scored. Otherwise parents are taken from the current front and from the highest scores,
    and one position of each changes.

    Examples
    --------
    >>> from archcost.training import search
    >>> def n_convolutions(cell):
    ...     return cell.count("conv")
    >>> result = search("nasbench201", n_convolutions, {"fpga": 4.0}, budget=60)
    >>> bool(result.front["fpga_latency_ms_high"].max() <= 4.0)
    True
    """
    space = get_space(space)
    if budget < 1:
        raise ArchcostError(f"budget must be at least 1, but is {budget}")
    costs = search_costs(
        space, constraints or {}, devices, models or {}, dataset, level=level, cautious=cautious
    )
    rng = np.random.default_rng(seed)
    if callable(objective):
        pool = _whole(space) if space.size <= ENUMERABLE else None
    else:
        accuracy = read_accuracy(objective, space)
        pool = space.parse_many(list(accuracy.index))
        budget = len(pool)
        objective = accuracy.to_dict().__getitem__
    scored = Scored(space, objective, costs)
    if pool is not None:
        pool = costs.within(pool)
        if len(pool) <= budget:
            scored.add(pool)
            return _result(scored)
    evolve(scored, pool, budget, rng)
    return _result(scored)


def _whole(space: SearchSpace) -> Ops:
    return np.array(list(space), dtype=np.int8)


def _result(scored: Scored) -> SearchResult:
    import pandas as pd

    if len(scored.ops) == 0:
        limits = {c.column: c.at_most for c in scored.costs.costs if np.isfinite(c.at_most)}
        which = "upper bounds of costs" if scored.costs.cautious else "costs"
        raise ArchcostError(
            f"no architecture was found whose predicted {which} keep the limits {limits}; raise "
            "them" + (", or search with cautious=False" if scored.costs.cautious else "")
        )
    rows = scored.front()
    columns: dict[str, Any] = {
        "arch": scored.space.format_many(scored.ops[rows]),
        "score": -scored.values[rows, 0],
    }
    intervals = scored.costs.intervals(scored.ops[rows])
    for place, cost in enumerate(scored.costs.costs):
        columns[cost.column] = scored.values[rows, 1 + place]
        columns[f"{cost.column}_low"] = intervals[:, place, 0]
        columns[f"{cost.column}_high"] = intervals[:, place, 1]
    return SearchResult(pd.DataFrame(columns), len(scored.ops), scored.costs)
