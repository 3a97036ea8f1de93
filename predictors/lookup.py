"""Per-op cost table: the cost of a network as the sum of its ops' costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.features.one_hot import one_hot
from archcost.predictors.base import CostPredictor, Floats
from archcost.predictors.cost_scale import lowest_cost
from archcost.predictors.linear_fit import fit_ridge, relative_spread
from archcost.spaces.space import Ops

COUNT_WEIGHT = 30.0
"""Columns of the op counts are scaled by this: it is that much dearer to tell positions apart."""


class LookupPredictor(CostPredictor):
    r"""Additive table of costs per position and op, fitted to the untransformed costs.

    .. math:: y(a) = b + \sum_p (g_{a_p} + d_{p, a_p})

    A ridge penalty, chosen by leave-one-out error, falls on the differences :math:`d` between
    positions, and hardly on what an op costs wherever it is, :math:`g`. So the table is exact
    where costs are sums over positions, and needs few rows where they depend on op counts only.

    Parameters
    ----------
    seed : int, default=0
        Without effect; nothing here is random.
    dataset : str or None, default=None
        Without effect; the table knows ops only.
    """

    def _fit(self, ops: Ops, cost: Floats) -> None:
        n_positions, n_ops = self.space_.n_positions, self.space_.n_ops
        encoded = one_hot(ops, n_ops)
        counts = encoded.reshape(len(ops), n_positions, n_ops).sum(axis=1)
        fitted = fit_ridge(np.hstack([COUNT_WEIGHT * counts, encoded]), cost)
        shared = COUNT_WEIGHT * fitted.coefficients[:n_ops]
        self.table_ = shared + fitted.coefficients[n_ops:].reshape(n_positions, n_ops)
        self.intercept_ = fitted.intercept
        self.floor_ = lowest_cost(cost)
        self.relative_std_ = relative_spread(cost, np.maximum(fitted.left_out, self.floor_))

    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats]:
        parts = self.table_[np.arange(self.space_.n_positions), ops]
        cost = np.maximum(parts.sum(axis=1) + self.intercept_, self.floor_)
        return cost, self.relative_std_ * cost

    def compiled(self) -> dict[str, npt.NDArray[Any]]:
        """Return the table: ``max(floor, intercept + sum of table[p, op])``.

        Returns
        -------
        dict of str to numpy.ndarray
            ``kind`` (``additive``), ``table`` (n_positions, n_ops), ``intercept``, ``floor``
            and ``relative_std`` (a share of the cost).
        """
        return {"kind": np.array("additive"), **self._state()}

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "table": self.table_,
            "intercept": np.array(self.intercept_),
            "floor": np.array(self.floor_),
            "relative_std": np.array(self.relative_std_),
        }

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        self.table_ = state["table"]
        self.intercept_ = float(state["intercept"])
        self.floor_ = float(state["floor"])
        self.relative_std_ = float(state["relative_std"])
