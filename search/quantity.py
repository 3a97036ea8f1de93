r"""What a search can limit or rank by: predicted costs, and the work of the network.

A quantity :math:`q` is additive if an increasing function :math:`t` of it is a sum over positions,

.. math:: t(q(a)) = c + \sum_p T_{p, a_p},

so that :math:`q(a) \le L` says the same as :math:`c + \sum_p T_{p, a_p} \le t(L)`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from archcost.search.additive_sum import AdditiveSum
from archcost.search.contextual_sum import ContextualSum
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]


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
