"""The quantities that a search keeps low, and the limits that it obeys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.search.limits import Limit
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SearchCosts:
    """All costs of a search.

    Parameters
    ----------
    limits : tuple of Limit
        Those without a value are to be low as well.
    level : float
        Probability of the predicted intervals.
    """

    limits: tuple[Limit, ...]
    level: float

    def means(self, ops: Ops) -> Floats:
        """Return predicted costs and work, shape ``(n_archs, n_limits)``."""
        columns = [limit.quantity.values(ops) for limit in self.limits]
        return np.array(columns).reshape(len(columns), len(ops)).T

    def intervals(self, ops: Ops) -> Floats:
        """Return predicted intervals, shape ``(n_archs, n_limits, 2)``."""
        return np.stack([x.quantity.interval(ops, self.level) for x in self.limits], axis=1)

    def excess(self, ops: Ops) -> Floats:
        """Return the largest cost over its limit, shape ``(n_archs,)``; at most 1 is within."""
        bound = [limit for limit in self.limits if np.isfinite(limit.at_most)]
        if len(ops) == 0 or not bound:
            return np.zeros(len(ops))
        return np.max([limit.bounded(ops) / limit.at_most for limit in bound], axis=0)

    def within(self, ops: Ops) -> Ops:
        """Return the architectures that keep all limits."""
        return ops[self.excess(ops) <= 1.0]
