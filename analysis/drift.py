"""Which tables drift: costs that depend on when they were measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from archcost.datasets import CostKey, CostTable
from archcost.datasets.chosen_keys import chosen_keys
from archcost.predictors.ridge import RidgePredictor
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.space import Ops
from archcost.training.drift import LEAST_ROWS, drift_at, lag_one
from archcost.training.metrics import Costs, spearman

if TYPE_CHECKING:
    import pandas as pd

STRUCTURED = 0.3
"""Autocorrelation of the predicted costs beyond which the rows are sorted by what they cost."""
CERTAIN = 5.0
"""Standard errors beyond which the residuals of neighbours resemble each other, or alternate."""
NOTABLE = 0.1
"""Least autocorrelation that is worth a word."""


def drift_estimates(table: CostTable, keys: Sequence[CostKey] | None = None) -> pd.DataFrame:
    """Tell drift from noise in tables whose rows stand in the order of measuring.

    Parameters
    ----------
    table : CostTable
        Costs, first measured first.
    keys : sequence of CostKey, optional
        Which costs; all of the table by default. Those with fewer than 200 rows are left out.

    Returns
    -------
    pandas.DataFrame
        A row a key: key, n_archs, autocorrelation (of residuals of consecutive rows; their mean
        is 0 for noise), z (the same in standard errors), drift (standard deviation of the drift,
        as a share of the cost), length (rows over which it is smooth), spearman (between a model
        of the architecture and the costs of rows that it did not learn from),
        spearman_without_drift (the same after the drift is taken off these rows, as their
        neighbours show it), and is_sorted: the rows are ordered by cost, so that nothing can be
        said.

    Notes
    -----
    The model is ridge regression on layerwise features. It and the drift are learned from the odd
    rows alone, and scored on the even ones: neither knows the costs that it is compared with.

    Examples
    --------
    >>> import numpy as np
    >>> from archcost.spaces import get_space
    >>> networks = get_space("fbnet").sample(600, seed=0)
    >>> cost = 5.0 + (networks == 3).sum(axis=1)
    >>> warmer = np.exp(0.2 * np.sin(np.arange(600) / 20))  # as the room
    >>> table = CostTable.from_costs("fbnet", networks, cost * warmer, device="my_board")
    >>> found = drift_estimates(table).iloc[0]
    >>> bool(found.autocorrelation > 0.5), bool(found.spearman_without_drift > found.spearman)
    (True, True)
    """
    import pandas as pd

    rows = []
    for key in chosen_keys(table, keys):
        if get_space(key.space).is_open:
            continue  # what networks cost by themselves is not known well enough
        ops, cost = table.costs(key)
        if len(cost) >= LEAST_ROWS and np.ptp(cost) > 0:
            rows.append({"key": str(key), **_estimate(get_space(key.space), key, ops, cost)})
    return pd.DataFrame(rows, columns=["key", *_COLUMNS])


def is_notable(drift: pd.DataFrame) -> pd.Series:
    """Tell of rows of ``drift_estimates`` whether consecutive residuals are surely correlated."""
    is_sorted = drift["is_sorted"].astype(bool)
    certain = (drift["z"].abs() > CERTAIN) & (drift["autocorrelation"].abs() > NOTABLE)
    return certain & ~is_sorted


def drift_warnings(table: CostTable) -> list[str]:
    """Say which costs of a table drift, and what it does to them.

    Parameters
    ----------
    table : CostTable
        Costs, first measured first.

    Returns
    -------
    list of str
        A sentence for each key whose residuals are certainly correlated.
    """
    sentences = []
    found = drift_estimates(table)
    for row in found[is_notable(found)].itertuples():
        start = (
            f"{row.key}: residuals of consecutive rows are correlated ({row.autocorrelation:.2f}), "
            "which noise is not: "
        )
        if row.autocorrelation < 0:
            sentences.append(start + "the device alternated between states while it was measured")
        else:
            sentences.append(
                f"{start}costs drifted by {row.drift:.1%}. Without the drift Spearman's "
                f"correlation with a ridge regression is {row.spearman_without_drift:.3f}, with it "
                f"{row.spearman:.3f}. Measure in interleaved rounds, as archcost measure does, or "
                "train with --in-order"
            )
    return sentences


_COLUMNS = (
    "n_archs", "autocorrelation", "z", "drift", "length", "spearman", "spearman_without_drift",
    "is_sorted",
)  # fmt: skip


def _estimate(space: SearchSpace, key: CostKey, ops: Ops, cost: Costs) -> dict[str, object]:
    learned = np.arange(len(cost)) % 2 == 1
    model = RidgePredictor(scale="log", dataset=key.dataset_name)
    model.fit(ops[learned], cost[learned], space=space)
    predicted = np.log(model.predict(ops))
    residuals = np.log(cost) - predicted
    correlation = lag_one(residuals)
    at, others = np.flatnonzero(learned), np.flatnonzero(~learned)
    known = residuals[at] - np.median(residuals[at])
    found = drift_at(known, at, others)
    # Alternation is none that a mean of neighbours could take off.
    corrected = np.log(cost[others]) - (found.values if correlation > 0 else 0.0)
    return {
        "n_archs": len(cost),
        "autocorrelation": correlation,
        "z": correlation * math.sqrt(len(cost)),
        "drift": float(found.values.std()),
        "length": found.length,
        "spearman": spearman(cost[others], predicted[others]),
        "spearman_without_drift": spearman(corrected, predicted[others]),
        "is_sorted": abs(lag_one(predicted)) > STRUCTURED,
    }
