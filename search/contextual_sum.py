r"""Sums over positions of which some positions decide what the others add.

Notation: :math:`C_p` the positions that decide what place :math:`p` adds, :math:`E_p` what it adds
by their ops; :math:`D = \bigcup_p C_p \setminus \{p\}` the positions that change what others add,
such as a resolution, or a width that all layers have.

.. math:: t(q(a)) = c + \sum_p E_p[(a_q)_{q \in C_p}]

Once the ops at :math:`D` are decided, what is left is a sum with one term a position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.search.additive_sum import AdditiveSum, Function, scaled_functions
from archcost.spaces import SearchSpace

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ContextualSum:
    """A sum over places, each with the positions that decide on it.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    contexts : tuple of tuple of int
        For each position, and last for what is at none, the positions that decide on it.
    entries : tuple of array of float64
        For each place what it adds, one axis a position of its context, along which its choices
        stand in their order.
    constant : float
        What everything else adds.
    to_sum, from_sum : callable
        As for ``AdditiveSum``.
    """

    space: SearchSpace
    contexts: tuple[tuple[int, ...], ...]
    entries: tuple[Floats, ...]
    constant: float = 0.0
    to_sum: Function = float
    from_sum: Function = float

    @property
    def deciding(self) -> frozenset[int]:
        """Positions that change what others add."""
        return frozenset(
            other for place, context in enumerate(self.contexts) for other in context
            if other != place
        )  # fmt: skip

    def given(self, decided: Mapping[int, int]) -> AdditiveSum:
        """Return the sum over positions once ops are decided.

        Parameters
        ----------
        decided : mapping of int to int
            Op ids by position, for all of `deciding` at least.

        Returns
        -------
        AdditiveSum
            Right for architectures with those ops.
        """
        choices = self.space.choices
        table = np.zeros(self.space.allowed.shape)
        constant = self.constant
        for place, (context, entries) in enumerate(zip(self.contexts, self.entries, strict=True)):
            known: list[int | slice] = [
                int(np.flatnonzero(choices[other] == decided[other])[0])
                if other in decided and other != place
                else slice(None)
                for other in context
            ]
            added = entries[tuple(known)]
            if added.ndim:
                table[place, choices[place]] = added
            else:
                constant += float(added)
        return AdditiveSum(table, constant, self.to_sum, self.from_sum)

    def scaled(self, factor: float) -> ContextualSum:
        """Return the sum of a quantity that is `factor` times as large."""
        to_sum, from_sum = scaled_functions(self.to_sum, self.from_sum, factor)
        entries = tuple(factor * some for some in self.entries)
        constant = factor * self.constant
        return ContextualSum(self.space, self.contexts, entries, constant, to_sum, from_sum)
