"""Which of many costs are worth having: the Pareto front, exactly and fast."""

from bisect import bisect_right

import numpy as np
import numpy.typing as npt

from archcost.errors import CostTableError, shown

Costs = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def pareto_front(costs: npt.ArrayLike) -> Mask:
    """Tell which rows no other row beats: none is lower in one column and higher in none.

    Parameters
    ----------
    costs : array of float, shape (n_archs, n_costs)
        Costs to minimise; negate what is to be maximised. Infinite costs are allowed.

    Returns
    -------
    numpy.ndarray of bool, shape (n_archs,)
        True on the front. Equal rows are on it together.

    Raises
    ------
    CostTableError
        If `costs` is not two-dimensional or holds NaN.

    Notes
    -----
    Up to three columns take O(n log n) comparisons [1]_; beyond, n for each row on the front.

    References
    ----------
    .. [1] H. T. Kung, F. Luccio, F. P. Preparata, "On Finding the Maxima of a Set of Vectors",
       Journal of the ACM 22, 1975.

    Examples
    --------
    >>> pareto_front([[1.0, 9.0], [2.0, 3.0], [2.0, 4.0], [5.0, 1.0]])
    array([ True,  True, False,  True])
    """
    try:
        costs = np.asarray(costs, dtype=np.float64)
    except (TypeError, ValueError):
        raise CostTableError(
            f"costs must be rows of numbers, one for each architecture, but got {shown(costs)}"
        ) from None
    if costs.ndim != 2:
        raise CostTableError(f"costs must have shape (n_archs, n_costs), but got {costs.shape}")
    missing = np.isnan(costs).any(axis=1)
    if missing.any():
        raise CostTableError(f"costs must be numbers, but row {missing.argmax()} holds NaN")
    n_archs, n_costs = costs.shape
    if costs.size == 0:
        return np.ones(n_archs, dtype=bool)
    order = np.lexsort(costs.T[::-1])  # only an earlier row can dominate a later one
    rows = costs[order]
    is_first = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])
    distinct = rows[is_first]
    if n_costs <= 3:
        padded = np.concatenate([distinct, np.zeros((len(distinct), 3 - n_costs))], axis=1)
        kept = _kept_in_order(padded[:, 1], padded[:, 2])
    else:
        kept = _kept_in_turn(distinct)
    mask = np.empty(n_archs, dtype=bool)
    mask[order] = kept[np.cumsum(is_first) - 1]
    return mask


def _kept_in_order(seconds: Costs, thirds: Costs) -> Mask:
    """Keep a row unless an earlier one is as low in the second and the third cost.

    The earlier rows that matter form a staircase: as the second cost rises, the third falls.
    """
    kept = np.ones(len(seconds), dtype=bool)
    starts: list[float] = []
    heights: list[float] = []
    for place, (second, third) in enumerate(zip(seconds.tolist(), thirds.tolist(), strict=True)):
        step = bisect_right(starts, second)
        if step and heights[step - 1] <= third:
            kept[place] = False
            continue
        if step and starts[step - 1] == second:
            step -= 1
        last = step
        while last < len(heights) and heights[last] >= third:
            last += 1
        starts[step:last] = [second]
        heights[step:last] = [third]
    return kept


def _kept_in_turn(rows: Costs) -> Mask:
    """Keep the best row left, drop all that it dominates, and so on.

    The best is the one with the lowest sum of ranks: whatever dominates a row has a lower sum.
    """
    columns = [np.unique(column, return_inverse=True)[1] for column in rows.T]
    left = np.argsort(np.sum(columns, axis=0), kind="stable")
    ranks = np.array(columns, dtype=np.int32)[:, left]
    kept = np.zeros(len(rows), dtype=bool)
    while len(left):
        kept[left[0]] = True
        open_ = np.logical_or.reduce(ranks[:, 1:] < ranks[:, :1])
        left, ranks = left[1:], ranks[:, 1:]
        if not open_.all():
            left, ranks = left[open_], ranks[:, open_]
    return kept
