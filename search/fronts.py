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
from archcost.search.limits import Limit
from archcost.search.optimising import ranking
from archcost.search.quantities import find_quantity
from archcost.search.quantity import AdditiveSum
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
        If the space cannot be listed and has rules, or score or cost do not add up over positions.

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
        if gains is None or costs is None or space.has_rules:
            raise ArchcostError(
                f"the front of {space.name} needs a space without rules, and a score and a cost "
                f"that add up over positions, which {score.name} and {quantity.name} do not both; "
                "search for optima within limits instead"
            )
        ops = front_of_sums(space, gains, costs)
    objectives = np.stack([-score(ops), quantity.values(ops)], axis=1)
    ops, objectives = ops[kept := pareto_front(objectives)], objectives[kept]
    _, first = np.unique(objectives, axis=0, return_index=True)
    return ranking(space, score, [Limit(quantity)], ops[first])


def front_of_sums(space: SearchSpace, gains: AdditiveSum, costs: AdditiveSum) -> Ops:
    """Return the architectures of a space without rules that no other one beats in two sums.

    Parameters
    ----------
    space : SearchSpace
        The search space.
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
    for place, ids in enumerate(space.choices):
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
