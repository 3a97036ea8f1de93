"""Loss from searching on one device and deploying on another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from archcost.analysis.agreement import cost_frame
from archcost.datasets import CostKey, CostTable
from archcost.errors import CostTableError, check_type
from archcost.models import pareto_front
from archcost.training.metrics import Costs
from archcost.training.splits import Rows

if TYPE_CHECKING:
    import pandas as pd


def placed_fronts(
    table: CostTable, accuracy: pd.Series, keys: Sequence[CostKey] | None = None
) -> pd.DataFrame:
    """Place the Pareto-optimal architectures of each device on every other.

    Parameters
    ----------
    table : CostTable
        Costs of one space.
    accuracy : pandas.Series
        As `read_accuracy` returns it.
    keys : sequence of CostKey, optional
        The devices; all keys of the table by default.

    Returns
    -------
    pandas.DataFrame
        A row for each ordered pair: searched_on, placed_on (keys), n_front (architectures on the
        front of the first), still_optimal (share of them on the front of the second),
        hypervolume_lost (share of the second's own), regret and regret_max (accuracy lost, mean
        and largest, at the budgets that the second's own front offers and the placed one can
        meet), unmet (share of those budgets within which the placed front has nothing).

    Raises
    ------
    CostTableError
        If fewer than two architectures have an accuracy and all costs.

    Notes
    -----
    Over architectures that have every cost and an accuracy. Hypervolumes reach to the largest cost
    and the lowest accuracy among them.

    References
    ----------
    C. Li et al., "HW-NAS-Bench", ICLR 2021, section 5.

    Examples
    --------
    >>> from archcost.datasets import CostTable
    >>> from archcost.spaces import NASBench201
    >>> cells = NASBench201().sample(40, seed=0)
    >>> n_convolutions = (cells == 3).sum(axis=1)
    >>> table = CostTable.concat(
    ...     CostTable.from_costs("nasbench201", cells, cost, device=device)
    ...     for device, cost in {"one": 1.0 + n_convolutions, "two": 9.0 - n_convolutions}.items()
    ... )
    >>> import pandas as pd
    >>> names = NASBench201().format_many(cells)
    >>> accuracy = pd.Series(n_convolutions * 10.0, names, name="accuracy")
    >>> sorted(set(placed_fronts(table, accuracy).n_front))
    [1, 40]
    """
    import pandas as pd

    frame = shared_costs(table, accuracy, keys)
    score = frame["accuracy"].to_numpy()
    rows = []
    costs = {name: frame[name].to_numpy() for name in frame.columns if name != "accuracy"}
    fronts = {name: front_rows(cost, score) for name, cost in costs.items()}
    for placed_on, cost in costs.items():
        own = fronts[placed_on]
        reference = {"worst_cost": float(cost.max()), "worst_score": float(score.min())}
        best = hypervolume(cost[own], score[own], **reference)
        for searched_on, front in fronts.items():
            regrets = _regrets(cost, score, own, front)
            met = regrets[np.isfinite(regrets)]
            volume = hypervolume(cost[front], score[front], **reference)
            rows.append({
                "searched_on": searched_on,
                "placed_on": placed_on,
                "n_front": len(front),
                "still_optimal": float(np.isin(front, own).mean()),
                "hypervolume_lost": max(0.0, 1.0 - volume / best) if best > 0 else 0.0,
                "regret": float(met.mean()) if len(met) else math.nan,
                "regret_max": float(met.max()) if len(met) else math.nan,
                "unmet": 1.0 - len(met) / len(regrets),
            })  # fmt: skip
    return pd.DataFrame(rows)


def shared_costs(
    table: CostTable, accuracy: pd.Series, keys: Sequence[CostKey] | None = None
) -> pd.DataFrame:
    """Return the costs of architectures that have all of them and an accuracy.

    Returns
    -------
    pandas.DataFrame
        Index: the architectures' strings; columns: the keys' strings, then ``accuracy``.

    Raises
    ------
    CostTableError
        If fewer than two architectures are left.
    """
    import pandas as pd

    check_type("accuracy", accuracy, pd.Series, "a pandas Series, such as read_accuracy returns")
    frame = cost_frame(table, keys).join(accuracy, how="inner").dropna()
    if len(frame) < 2:
        raise CostTableError(
            "at least two architectures must have an accuracy and every cost, but "
            f"{len(frame)} of {len(accuracy)} do; use other devices or another accuracy table"
        )
    return frame


def front_rows(cost: Costs, score: Costs) -> Rows:
    """Return the rows that are Pareto-optimal for low cost and high score, by rising cost."""
    rows = np.flatnonzero(pareto_front(np.stack([cost, -score], axis=1)))
    return rows[np.argsort(cost[rows], kind="stable")]


def hypervolume(cost: Costs, score: Costs, *, worst_cost: float, worst_score: float) -> float:
    """Return the area that a set of points dominates, up to a reference point.

    Parameters
    ----------
    cost : numpy.ndarray of float64, shape (n_archs,)
        To be minimised.
    score : numpy.ndarray of float64, shape (n_archs,)
        To be maximised.
    worst_cost, worst_score : float
        The reference point; points beyond it count nothing.

    Returns
    -------
    float
        In units of cost times score.

    Examples
    --------
    >>> hypervolume(np.array([1.0, 2.0]), np.array([1.0, 3.0]), worst_cost=4, worst_score=0)
    7.0
    """
    order = np.argsort(cost, kind="stable")
    cost, score = cost[order], np.maximum.accumulate(score[order])
    widths = np.diff(np.minimum(cost, worst_cost), append=worst_cost)
    return float(widths @ np.maximum(score - worst_score, 0.0))


def _regrets(cost: Costs, score: Costs, own: Rows, placed: Rows) -> Costs:
    """Return the score lost at each budget that the own front offers; infinite where unmet."""
    within = cost[placed][None, :] <= cost[own][:, None]
    best = np.where(within, score[placed][None, :], -np.inf).max(axis=1)
    return np.asarray(score[own] - best, dtype=np.float64)
