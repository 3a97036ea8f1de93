"""Costs less their drift, of rows that nothing was learned from."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey
from archcost.predictors.ridge import RidgePredictor
from archcost.spaces import get_space
from archcost.spaces.space import Ops
from archcost.training.drift import drift_at


class SteadyCosts(NamedTuple):
    """Logarithms of costs less their drift, of some rows."""

    rows: npt.NDArray[np.int64]
    log_cost: npt.NDArray[np.float64]


def steady_costs(
    key: CostKey, ops: Ops, cost: npt.NDArray[np.float64], rows: npt.NDArray[np.int64]
) -> SteadyCosts:
    """Take the drift off every other one of `rows`, as the rows between them show it.

    `rows` are in the order of measuring and were not learned from.
    """
    scored, neighbours = rows[::2], rows[1::2]
    model = RidgePredictor(scale="log", dataset=key.dataset_name)
    model.fit(ops[neighbours], cost[neighbours], space=get_space(key.space))
    residuals = np.log(cost[neighbours] / model.predict(ops[neighbours]))
    drift = drift_at(residuals - np.median(residuals), neighbours, scored)
    return SteadyCosts(scored, np.log(cost[scored]) - drift.values)
