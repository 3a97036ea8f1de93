"""Back from the scale on which a predictor learned to costs, in numpy alone."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.models.chunks import Costs


@dataclass(frozen=True, slots=True)
class TargetScale:
    """The inverse of a predictor's transform of costs.

    Parameters
    ----------
    name : {"linear", "sqrt", "log"}
        The transform; on its scale targets were standardised.
    shift, scale : float
        Mean and standard deviation of the transformed costs.
    floor : float
        Costs are never below this.
    """

    name: str
    shift: float
    scale: float
    floor: float

    def costs(self, targets: Costs) -> Costs:
        """Return the costs of standardised targets; works in place."""
        return to_costs(self.name, targets, self.shift, self.scale, self.floor)

    def cost(self, target: float) -> float:
        """Return the cost of one standardised target, with the bits of `costs`."""
        raw = target * self.scale + self.shift
        if self.name == "sqrt":
            raw = max(raw, 0.0)
            raw *= raw
        elif self.name == "log":
            raw = float(np.exp(raw))  # math.exp may round otherwise
        return raw if raw > self.floor else self.floor

    def cost_stds(self, costs: Costs, target_stds: Costs) -> Costs:
        """Return standard deviations of costs, given those of targets (first order)."""
        stds = target_stds * self.scale
        if self.name == "sqrt":
            stds *= 2 * np.sqrt(costs)
        elif self.name == "log":
            stds *= costs
        return stds

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the scale as arrays; ``from_arrays`` takes them back."""
        return {
            "scale_name": np.array(self.name),
            "scale": np.array([self.shift, self.scale, self.floor]),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Make the scale from saved arrays."""
        shift, scale, floor = arrays["scale"].tolist()
        return cls(str(arrays["scale_name"]), shift, scale, floor)


def to_costs(
    name: str,
    targets: Costs,
    shift: float | Costs,
    scale: float | Costs,
    floor: float | Costs,
) -> Costs:
    """Return the costs of standardised targets, as `TargetScale` has it; works in place.

    Shift, scale and floor may be arrays ``(n_models,)`` for targets ``(n_archs, n_models)``.
    """
    targets *= scale
    targets += shift
    if name == "sqrt":
        np.square(np.maximum(targets, 0.0, out=targets), out=targets)
    elif name == "log":
        np.exp(targets, out=targets)
    return np.maximum(targets, floor, out=targets)
