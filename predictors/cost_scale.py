"""Scales on which predictors learn costs: costs are positive and may span decades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
ScaleName = Literal["linear", "sqrt", "log"]
SCALES: tuple[ScaleName, ...] = ("linear", "sqrt", "log")

FLOOR = 0.02
"""Share of the cheapest training cost that no prediction goes below; far enough for the cheapest
of 9^22 networks, and still above 0."""


@dataclass(frozen=True, slots=True)
class CostScale:
    """A monotonic map from costs to standardised targets, and back.

    ``linear`` suits costs that are sums over ops, ``log`` those that span decades, and ``sqrt``
    lies between: it keeps near-zero costs (cells without a path, 0.003 ms) from dominating as
    they would on a logarithm.

    Parameters
    ----------
    name : {"linear", "sqrt", "log"}
        The function.
    shift, scale : float
        Mean and standard deviation of the transformed training costs.
    floor : float
        Predictions are never below this.
    """

    name: ScaleName
    shift: float
    scale: float
    floor: float

    @classmethod
    def fit(cls, name: ScaleName, cost: Floats) -> CostScale:
        """Standardise on training costs; the floor is ``lowest_cost``."""
        raw = _forward(name, cost)
        spread = float(raw.std())
        # Equal costs differ by rounding at most: no reason to blow that up.
        usable = spread > 1e-12 * float(np.abs(raw).max())
        return cls(name, float(raw.mean()), spread if usable else 1.0, lowest_cost(cost))

    def forward(self, cost: Floats) -> Floats:
        """Return standardised targets of costs."""
        return (_forward(self.name, cost) - self.shift) / self.scale

    def inverse(self, target: Floats) -> Floats:
        """Return the costs of standardised targets, at least ``floor``."""
        raw = target * self.scale + self.shift
        if self.name == "sqrt":
            raw = np.square(np.maximum(raw, 0.0))
        elif self.name == "log":
            raw = np.exp(raw)
        return np.maximum(raw, self.floor)

    def spread(self, cost: Floats, target_std: Floats) -> Floats:
        """Return standard deviations of costs, given those of targets (first order)."""
        slope = {"linear": np.ones_like(cost), "sqrt": 2 * np.sqrt(cost), "log": cost}[self.name]
        return target_std * self.scale * slope

    def log_slope(self, cost: Floats) -> float:
        """Return the summed log derivative of ``forward``, the Jacobian of a likelihood."""
        slope = {"linear": 0 * cost, "sqrt": -np.log(2) - np.log(cost) / 2, "log": -np.log(cost)}
        return float(slope[self.name].sum() - len(cost) * np.log(self.scale))

    def state(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the scale as arrays; ``restore`` takes them back."""
        return {
            "scale_name": np.array(self.name),
            "scale": np.array([self.shift, self.scale, self.floor]),
        }

    @classmethod
    def restore(cls, state: dict[str, npt.NDArray[np.generic]]) -> CostScale:
        """Make the scale from the arrays of ``state``."""
        (name,) = (known for known in SCALES if known == str(state["scale_name"]))
        shift, scale, floor = (float(value) for value in state["scale"])
        return cls(name, shift, scale, floor)


def lowest_cost(cost: Floats) -> float:
    """Return what predictions never go below, given training costs."""
    return FLOOR * float(cost.min())


def _forward(name: ScaleName, cost: Floats) -> Floats:
    if name == "linear":
        return cost
    raw = np.sqrt(cost) if name == "sqrt" else np.log(cost)
    return np.asarray(raw, dtype=np.float64)
