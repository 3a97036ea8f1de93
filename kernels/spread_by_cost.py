"""How the errors of predictions change with the cost: small networks are predicted less exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEWEST_ROWS = 60
"""Costs from which on the change is learned."""
STEEPEST = 0.5
LEAST_SCORE = 1e-3
"""Error over its spread that smaller ones count as."""


@dataclass(frozen=True, slots=True)
class SpreadByCost:
    r"""A factor of the standard deviation, :math:`(y / y_0)^{-s}`, :math:`0 \le s \le 0.5`.

    Parameters
    ----------
    slope : float
        The power; 0 where the cost does not matter.
    low, high : float
        Logarithms of the least and largest cost that was seen; beyond them the factor stays.
    """

    slope: float = 0.0
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, log_cost: Floats, scores: Floats) -> Self:
        """Learn from errors of held-out networks over their spread.

        Parameters
        ----------
        log_cost : numpy.ndarray of float64, shape (n_networks,)
            Logarithms of the predicted costs.
        scores : numpy.ndarray of float64, shape (n_networks,)
            Absolute errors over the spread that was claimed.

        Examples
        --------
        >>> logs = np.linspace(0.0, 4.0, 100)
        >>> round(SpreadByCost.of(logs, np.exp(-0.25 * logs)).slope, 3)
        0.25
        """
        low, high = float(log_cost.min()), float(log_cost.max())
        if len(log_cost) < FEWEST_ROWS or high - low < 1:
            return cls()
        logs = np.log(np.maximum(scores, LEAST_SCORE))
        slope = -np.polyfit(log_cost, logs, 1)[0]
        return cls(float(np.clip(slope, 0.0, STEEPEST)), low, high)

    def __call__(self, log_cost: Floats) -> Floats:
        """Return the factor of each network, around 1."""
        middle = (self.low + self.high) / 2
        factor: Floats = np.exp(-self.slope * (np.clip(log_cost, self.low, self.high) - middle))
        return factor
