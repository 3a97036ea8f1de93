"""Find architectures that score high and cost little, on any number of devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.datasets import CostTable
from archcost.datasets.accuracies import read_accuracy
from archcost.errors import ArchcostError, check_number
from archcost.models import CostModel
from archcost.search.evolving import Objective, Scored, evolve
from archcost.search.limits import find_limits
from archcost.search.quantities import PredictedCost
from archcost.search.search_costs import SearchCosts
from archcost.spaces import SearchSpace, get_space

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
        its predicted mean, such as ``raspi4_latency_ms``, and interval, ``..._low``, ``..._high``;
        for work, such as ``params``, one exact column.
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
        for limit in self.costs.limits:
            if not isinstance(limit.quantity, PredictedCost):
                continue  # work is known exactly
            model, name = limit.quantity.model, limit.quantity.name
            ops, true = table.costs(model.key)
            known = pd.Series(true, index=model.space.format_many(ops))
            truth = known.reindex(verified["arch"]).to_numpy()
            missing = np.isnan(truth)
            covered = (verified[f"{name}_low"] <= truth) & (truth <= verified[f"{name}_high"])
            verified[f"{name}_true"] = truth
            verified[f"{name}_covered"] = covered.astype("boolean").mask(missing)
            if np.isfinite(limit.at_most):
                kept = pd.Series(truth <= limit.at_most, index=verified.index, dtype="boolean")
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
        Limits by name: ``{"raspi4": 12.0, "edgegpu:energy": 30.0, "params": 4e6}`` is latency in
        ms, energy in mJ and parameters; see ``archcost.search.work_measures`` for all work.
    devices : iterable of str, optional
        Devices whose cost, or work that, is to be low as well, without a limit.
    models : mapping of str to CostModel, optional
        Models by such names, such as that of a new device; installed ones by default.
    dataset : str, optional
        Fixes the input size of installed models; the space's default by default.
    budget : int, default=500
        How often the objective may be asked.
    level : float, default=0.9
        Probability of the intervals; the true cost is below the upper end with probability
        ``(1 + level) / 2``.
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
    >>> from archcost.search import search
    >>> def n_convolutions(cell):
    ...     return cell.count("conv")
    >>> result = search("nasbench201", n_convolutions, {"fpga": 4.0}, budget=60)
    >>> bool(result.front["fpga_latency_ms_high"].max() <= 4.0)
    True
    """
    space = get_space(space)
    check_number("budget", budget, 1, whole=True)
    check_number("seed", seed, 0, whole=True)
    if not 0 < check_number("level", level) < 1:
        raise ArchcostError(f"level must be between 0 and 1, such as 0.9, but got {level}")
    limits = find_limits(
        space, constraints or {}, dataset, models, unlimited=devices,
        level=(1 + level) / 2 if cautious else None,
    )  # fmt: skip
    if not limits:
        raise ArchcostError("a search needs at least one device in constraints or devices")
    costs = SearchCosts(limits, level)
    rng = np.random.default_rng(seed)
    if callable(objective):
        pool = space.all_ops if space.size <= ENUMERABLE else None
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


def _result(scored: Scored) -> SearchResult:
    import pandas as pd

    if len(scored.ops) == 0:
        bound = [limit for limit in scored.costs.limits if np.isfinite(limit.at_most)]
        limits = {limit.quantity.name: limit.at_most for limit in bound}
        cautious = any(limit.level is not None for limit in bound)
        which = "upper bounds of costs" if cautious else "costs"
        raise ArchcostError(
            f"no architecture was found whose predicted {which} keep the limits {limits}; raise "
            "them" + (", or search with cautious=False (--by-mean)" if cautious else "")
        )
    rows = scored.front()
    columns: dict[str, Any] = {
        "arch": scored.space.format_many(scored.ops[rows]),
        "score": -scored.values[rows, 0],
    }
    intervals = scored.costs.intervals(scored.ops[rows])
    for place, limit in enumerate(scored.costs.limits):
        name = limit.quantity.name
        columns[name] = scored.values[rows, 1 + place]
        if isinstance(limit.quantity, PredictedCost):
            columns[f"{name}_low"] = intervals[:, place, 0]
            columns[f"{name}_high"] = intervals[:, place, 1]
    return SearchResult(pd.DataFrame(columns), len(scored.ops), scored.costs)
