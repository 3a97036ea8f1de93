r"""The whole Pareto front of a score against one cost, exactly.

For two sums over positions the front of the first :math:`p` positions follows from that of the
first :math:`p - 1`: whatever is beaten there stays beaten, whatever is added. So positions are
added one after the other, and only the front is carried on.

References
----------
G. L. Nemhauser, Z. Ullmann, "Discrete Dynamic Programming and Capital Allocation", Management
Science 15, 1969.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError
from archcost.models import CostModel, pareto_front
from archcost.search.additive_sum import AdditiveSum
from archcost.search.branch_and_bound import same_positions
from archcost.search.cases import Sums, choices_at, deciding
from archcost.search.limits import Limit
from archcost.search.optimising import ranking
from archcost.search.quantities import find_quantity
from archcost.search.scan_scores import as_score
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.space import Ops

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

MOST_POINTS = 2_000_000
"""Points of a front that are carried on; beyond, the tables have no structure that helps."""


def exact_front(
    space: SearchSpace | str,
    maximize: Any,
    cost: str,
    *,
    dataset: str | None = None,
    models: Mapping[str, CostModel] | None = None,
) -> pd.DataFrame:
    """Return every architecture that no other one beats in score and cost.

    Parameters
    ----------
    space : SearchSpace or str
        The search space.
    maximize : table, str, path, score or callable
        As for `optimum`.
    cost : str
        A name as in the limits of `optimum`, such as ``"raspi4"`` or ``"params"``.
    dataset : str, optional
        Fixes the input size; the space's default by default.
    models : mapping of str to CostModel, optional
        Models by such names; installed ones by default.

    Returns
    -------
    pandas.DataFrame
        The front, highest score first: arch, the score under its name, and the cost. Of
        architectures that are equal in both, one.

    Raises
    ------
    ArchcostError
        If the space cannot be listed, and score or cost do not add up over positions, even once
        few of them are decided, or its rules forbid what is best without them.

    Examples
    --------
    >>> front = exact_front("fbnet", "flops", "raspi4")
    >>> len(front) > 1000, bool(front["flops_m"].is_monotonic_decreasing)
    (True, True)
    """
    space = get_space(space)
    score = as_score(maximize, space, dataset)
    quantity = find_quantity(space, cost, dataset, models)
    if space.is_enumerable:
        ops = space.all_ops
    else:
        gains, costs = score.sums(), quantity.sums()
        places = None
        if gains is not None and costs is not None:
            places = _deciding(space, gains, costs)
        if gains is None or costs is None or places is None:
            raise ArchcostError(
                f"the front of {space.name} needs a score and a cost that add up over positions, "
                f"which {score.name} and {quantity.name} do not both; search for optima within "
                "limits instead"
            )
        ops = _front_of_cases(space, places, gains, costs)
    objectives = np.stack([-score(ops), quantity.values(ops)], axis=1)
    ops, objectives = ops[kept := pareto_front(objectives)], objectives[kept]
    _, first = np.unique(objectives, axis=0, return_index=True)
    return ranking(space, score, [Limit(quantity)], ops[first])


def _deciding(space: SearchSpace, gains: Sums, costs: Sums) -> tuple[int, ...] | None:
    """Return the positions to decide before both are sums; None if they are too many."""
    decided = deciding(space.allowed, gains, [(costs, np.inf)])
    return decided[0] if decided is not None and decided[1] else None


def _front_of_cases(space: SearchSpace, places: tuple[int, ...], gains: Sums, costs: Sums) -> Ops:
    """Return the fronts for all choices at deciding positions, one after the other."""
    fronts = []
    for decided, allowed in choices_at(space.allowed, places):
        gain, cost = gains.given(decided), costs.given(decided)
        fronts.append(_ruled(space, front_of_sums(space, allowed, gain, cost), gain, cost))
    return np.concatenate(fronts)


def _ruled(space: SearchSpace, ops: Ops, gains: AdditiveSum, costs: AdditiveSum) -> Ops:
    """Return architectures of the same sums that keep the rules of the space.

    The ops at positions that add alike may stand in any order: in that of their ids blocks that
    are absent come last, or first, as rules mostly ask for.

    Raises
    ------
    ArchcostError
        If there are none.
    """
    ops = ops.copy()
    alike = same_positions([space.allowed, gains.table, costs.table])
    for step in (1, -1):
        wrong = np.flatnonzero(~space.valid(ops))
        for places in alike:
            there = np.ix_(wrong, np.array(places))
            ops[there] = np.sort(ops[there], axis=1)[:, ::step]
    wrong = np.flatnonzero(~space.valid(ops))
    if len(wrong):
        names = [space.op_names[op] for op in ops[wrong[0]]]
        raise ArchcostError(
            f"the front of {space.name} needs rules that equal positions can keep by their order, "
            f"which {names} cannot; search for optima within limits instead"
        )
    return ops


def front_of_sums(
    space: SearchSpace, allowed: npt.NDArray[np.bool_], gains: AdditiveSum, costs: AdditiveSum
) -> Ops:
    """Return the combinations of allowed ops that no other one beats in two sums.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    allowed : array of bool, shape (n_positions, n_ops)
        Which op may stand where.
    gains : AdditiveSum
        To be large.
    costs : AdditiveSum
        To be small.

    Returns
    -------
    numpy.ndarray of int, shape (n_points, n_positions)
        The front, cheapest first; of equal ones one.

    Raises
    ------
    ArchcostError
        If the front outgrows memory.
    """
    chosen: Ops = np.empty((1, 0), dtype=space.dtype)
    gain, cost = np.zeros(1), np.zeros(1)
    for place, names in enumerate(allowed):
        ids = np.flatnonzero(names).astype(space.dtype)
        more_cost = (cost[:, None] + costs.table[place, ids]).ravel()
        more_gain = (gain[:, None] + gains.table[place, ids]).ravel()
        order = np.lexsort((-more_gain, more_cost))
        highest = np.maximum.accumulate(more_gain[order])
        kept = order[np.concatenate([[True], highest[1:] > highest[:-1]])]
        if len(kept) > MOST_POINTS:
            raise ArchcostError(
                f"a front must have at most {MOST_POINTS} points, but that of the first "
                f"{place + 1} positions of {space.name} has {len(kept)}; round the score"
            )
        rows, ops = np.divmod(kept, len(ids))
        chosen = np.concatenate([chosen[rows], ids[ops][:, None]], axis=1)
        gain, cost = more_gain[kept], more_cost[kept]
    return chosen
