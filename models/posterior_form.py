"""Additive models with a full posterior: exact means and standard deviations."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from archcost.models.chunks import Costs
from archcost.models.compiled import Arrays, CompiledForm
from archcost.models.pair_codes import pair_codes, pair_tables, sum_pairs
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops


class PosteriorForm(CompiledForm):
    r"""A cost that is a sum over positions, with the variance that a posterior gives it.

    .. math:: y(a) = c + \sum_p T_{p, a_p}, \quad
              \sigma^2(a) = \|r + \sum_p R_{p, a_p}\|^2 + s

    bent away from zero below the floor.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    table : array of float, shape (n_positions, n_ops)
        What each op at each position adds to the cost.
    intercept : float
        What everything else adds.
    root_table : array of float, shape (n_positions, n_ops, n_roots)
        What each op at each position adds to the root of the variance.
    root : array of float, shape (n_roots,)
        What everything else adds to it.
    noise : float
        Variance of one measurement.
    floor : float
        Costs bend away from zero below this.
    """

    kind = "additive_posterior"

    def __init__(
        self,
        space: SearchSpace,
        table: npt.NDArray[np.float64],
        intercept: float,
        root_table: npt.NDArray[np.float64],
        root: npt.NDArray[np.float64],
        noise: float,
        floor: float,
    ) -> None:
        self.space = space
        self.table = np.ascontiguousarray(table, dtype=np.float64)
        self.intercept, self.noise, self.floor = float(intercept), float(noise), float(floor)
        self.root_table = np.ascontiguousarray(root_table, dtype=np.float64)
        self.root = np.array(root, dtype=np.float64)
        self.pairs = pair_tables(self.table)

    def chunk_costs(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of a chunk of op ids ``(n_archs, n_positions)``."""
        cost: Costs = sum_pairs(self.pairs, pair_codes(ops), self.intercept)
        low = cost < self.floor
        if low.any():
            cost[low] = self.floor / (2 - cost[low] / self.floor)
        return cost

    def chunk_stds(self, ops: Ops) -> Costs:
        """Return the standard deviations ``(n_archs,)`` of a chunk of op ids."""
        total = np.tile(self.root, (len(ops), 1))
        for entries, chosen in zip(self.root_table, ops.T, strict=True):
            total += entries.take(chosen, axis=0)
        variance: Costs = (total**2).sum(axis=1) + self.noise
        return np.sqrt(variance)

    def arrays(self) -> Arrays:
        """Return the tables of mean and root and the three numbers."""
        return {
            "table": self.table,
            "intercept": np.array(self.intercept),
            "root_table": self.root_table,
            "root": self.root,
            "noise": np.array(self.noise),
            "floor": np.array(self.floor),
        }

    @classmethod
    def from_arrays(cls, space: SearchSpace, arrays: Arrays) -> Self:
        """Make the form from saved arrays."""
        numbers = (float(arrays[name]) for name in ("intercept", "noise", "floor"))
        intercept, noise, floor = numbers
        return cls(
            space, arrays["table"], intercept, arrays["root_table"], arrays["root"], noise, floor
        )
