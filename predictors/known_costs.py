"""Costs of a known device over a space, kept as numbers alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.features.one_hot import one_hot
from archcost.features.small_spaces import combination_numbers
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]
Costs = Callable[[Ops], Floats]
"""From op ids ``(n_archs, n_positions)`` to costs ``(n_archs,)``."""

MOST_LISTED = 2**16
"""Architectures of a space up to which each one's cost is kept."""
SAMPLED = 3000
"""Architectures from which a sum over positions is fitted in larger spaces."""
RIDGE = 1e-6


@dataclass(frozen=True)
class KnownCosts:
    """Costs of one device, of every architecture or as a sum over positions.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    listed : numpy.ndarray of float64, shape (n_archs,) or (0,)
        The cost of every architecture of a small space.
    table : numpy.ndarray of float64, shape (n_positions * n_ops + 1,) or (0,)
        In larger spaces what each op adds at each position, last a constant.
    """

    space: SearchSpace
    listed: Floats
    table: Floats

    @classmethod
    def of(cls, space: SearchSpace, costs: Costs) -> Self:
        """Keep what a function from op ids to costs says."""
        if space.is_enumerable and space.n_archs <= MOST_LISTED:
            return cls(space, np.asarray(costs(space.all_ops), dtype=np.float64), np.empty(0))
        ops = space.sample(min(SAMPLED, space.n_archs), seed=0)
        return cls(space, np.empty(0), _additive_fit(space, ops, costs(ops)))

    def __call__(self, ops: Ops) -> Floats:
        """Return the costs of op ids; shape (n_archs,)."""
        if len(self.listed):
            known, order = _listing(self.space)
            place = np.searchsorted(known, combination_numbers(self.space, ops))
            found: Floats = self.listed[order[place]]
            return found
        summed: Floats = one_hot(ops, self.space.n_ops) @ self.table[:-1] + self.table[-1]
        return summed

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the numbers; ``restore`` takes them back."""
        return {"known_listed": self.listed, "known_table": self.table}

    @classmethod
    def restore(cls, space: SearchSpace, state: dict[str, npt.NDArray[Any]]) -> Self:
        """Make it from its numbers."""
        return cls(space, state["known_listed"], state["known_table"])


def _additive_fit(space: SearchSpace, ops: Ops, cost: Floats) -> Floats:
    """Return the sum over positions that fits costs best: weights of one-hot ops, a constant."""
    design = one_hot(ops, space.n_ops).astype(np.float64)
    mean, center = design.mean(axis=0), float(np.mean(cost))
    design = design - mean
    gram = design.T @ design + RIDGE * len(ops) * np.eye(design.shape[1])
    weights = np.linalg.solve(gram, design.T @ (cost - center))
    table: Floats = np.append(weights, center - mean @ weights)
    return table


@lru_cache(maxsize=8)
def _listing(space: SearchSpace) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.intp]]:
    """Return the sorted numbers of all combinations of a space, and the row of each."""
    numbers = combination_numbers(space, space.all_ops)
    order = np.argsort(numbers)
    return numbers[order], order
