"""Additive models on FBNet: one number per position and op."""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from archcost.datasets import SearchSpace
from archcost.datasets.space import Ops
from archcost.models.compiled import Arrays, CompiledForm, Costs


class AdditiveForm(CompiledForm):
    """A cost that is a sum over positions, ``cost(x) = intercept + sum_p table[p, x_p]``.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    table : array of float, shape (n_positions, n_ops)
        Cost of each op at each position, in ms or mJ.
    intercept : float
        Cost of everything else.
    relative_std : float
        Standard deviation as a share of the cost.
    """

    kind = "additive"

    def __init__(
        self,
        space: SearchSpace,
        table: npt.NDArray[np.float64],
        intercept: float,
        relative_std: float,
    ) -> None:
        self.space = space
        self.table = np.ascontiguousarray(table, dtype=np.float64)
        self.intercept = float(intercept)
        self.relative_std = float(relative_std)
        self._rows = [dict(enumerate(row)) for row in self.table.tolist()]

    def __call__(self, arch: object) -> float:
        """Return the cost of one architecture."""
        ops: list[int]
        if type(arch) is list and _ALL_INT.issuperset(map(type, arch)):
            ops = arch
        else:
            ops = self.space.parse(arch).tolist()
        total = self.intercept
        try:
            for row, op in zip(self._rows, ops, strict=True):
                total += row[op]
        except (KeyError, ValueError):
            self.space.parse(arch)  # names what is wrong
            raise
        return total

    def predict(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of op ids ``(n_archs, n_positions)``."""
        total = np.full(len(ops), self.intercept)
        for position, row in enumerate(self.table):
            total += row.take(ops[:, position])
        return total

    def std(self, ops: Ops) -> Costs:
        """Return the standard deviations ``(n_archs,)`` of op ids ``(n_archs, n_positions)``."""
        return self.relative_std * self.predict(ops)

    def arrays(self) -> Arrays:
        """Return the table, the intercept and the relative deviation."""
        return {
            "table": self.table,
            "intercept": np.array(self.intercept),
            "relative_std": np.array(self.relative_std),
        }

    @classmethod
    def from_arrays(cls, space: SearchSpace, arrays: Arrays) -> Self:
        """Make the form from saved arrays."""
        return cls(
            space, arrays["table"], float(arrays["intercept"]), float(arrays["relative_std"])
        )


_ALL_INT = frozenset({int})
