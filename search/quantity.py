r"""What a search can limit or rank by: predicted costs, and the work of the network.

A quantity :math:`q` is additive if an increasing function :math:`t` of it is a sum over positions,

.. math:: t(q(a)) = c + \sum_p T_{p, a_p},

so that :math:`q(a) \le L` says the same as :math:`c + \sum_p T_{p, a_p} \le t(L)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from archcost.spaces.space import Ops

if TYPE_CHECKING:
    from archcost.search.contextual_sum import ContextualSum

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


class Quantity(Protocol):
    """A number that an architecture has, such as a latency or its FLOPs."""

    @property
    def name(self) -> str:
        """Name of its column in results, such as ``raspi4_latency_ms``."""

    def values(self, ops: Ops) -> Floats:
        """Return the values ``(n_archs,)`` of valid op ids ``(n_archs, n_positions)``."""

    def interval(self, ops: Ops, level: float) -> Floats:
        """Return intervals ``(n_archs, 2)`` that hold the true value with probability `level`."""

    def upper(self, ops: Ops, level: float) -> Floats:
        """Return bounds ``(n_archs,)`` that the true value keeps with probability `level`."""

    def most_within(self, at_most: float, level: float) -> float:
        """Return a value that no architecture exceeds whose ``upper`` is within a limit.

        Only of quantities that have ``sums``.
        """

    def sums(self) -> AdditiveSum | ContextualSum | None:
        """Return the sum that the values are a function of; None if there is none."""

    def choices_within(self, at_most: float) -> npt.NDArray[np.bool_] | None:
        """Tell which ops can stand where within a limit, shape ``(n_positions, n_ops)``.

        An architecture is within the limit just if all its ops are. None if single ops do not
        decide it.
        """

    def identity(self) -> str:
        """Return what tells this quantity from others, for searches that go on later."""
