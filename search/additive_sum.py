"""The sum over positions that an additive quantity is a function of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]
Function = Callable[[float], float]


@dataclass(frozen=True)
class AdditiveSum:
    """The sum over positions that an additive quantity is a function of.

    Parameters
    ----------
    table : array of float64, shape (n_positions, n_ops)
        What each op at each position adds.
    constant : float
        What everything else adds.
    to_sum : callable
        From a value of the quantity to the largest sum with at most that value; minus infinity
        where the quantity never is that low.
    from_sum : callable
        From a sum to the value of the quantity.
    """

    table: Floats
    constant: float
    to_sum: Function = float
    from_sum: Function = float

    deciding: ClassVar[frozenset[int]] = frozenset()
    """Positions that change what others add: none."""

    def __call__(self, ops: Ops) -> Floats:
        """Return the sums ``(n_archs,)`` of op ids ``(n_archs, n_positions)``."""
        added = self.table[np.arange(ops.shape[1]), ops].sum(axis=1)
        return np.asarray(self.constant + added)

    def given(self, decided: Mapping[int, int]) -> AdditiveSum:
        """Return the sum itself, whatever is decided."""
        return self

    def scaled(self, factor: float) -> AdditiveSum:
        """Return the sum of a quantity that is `factor` times as large."""
        to_sum, from_sum = scaled_functions(self.to_sum, self.from_sum, factor)
        return AdditiveSum(factor * self.table, factor * self.constant, to_sum, from_sum)


def scaled_functions(
    to_sum: Function, from_sum: Function, factor: float
) -> tuple[Function, Function]:
    """Return the functions between quantity and sum where both are `factor` times as large."""
    return (
        lambda value: factor * to_sum(value / factor),
        lambda total: factor * from_sum(total / factor),
    )
