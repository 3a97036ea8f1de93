"""Additive models: one number per position and op, exact to rounding."""

from __future__ import annotations

from itertools import zip_longest
from operator import getitem
from typing import Self

import numpy as np
import numpy.typing as npt

from archcost.models.chunks import Costs
from archcost.models.compiled import ONLY_INT, Arrays, CompiledForm
from archcost.models.pair_codes import MOST_PAIRED_OPS, pair_codes, pair_tables, sum_pairs
from archcost.models.target_scale import TargetScale
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops


class AdditiveForm(CompiledForm):
    r"""A cost that is a function of a sum over positions.

    .. math:: y(a) = t^{-1}(c + \sum_p T_{p, a_p})

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    table : array of float, shape (n_positions, n_ops)
        What each op at each position adds.
    intercept : float
        What everything else adds.
    scale : TargetScale
        From the sum to the cost in ms or mJ.
    relative_std : float
        Standard deviation as a share of the cost.

    Notes
    -----
    In double precision throughout: tests hold the cost to 1e-12 of itself.
    """

    kind = "additive"

    def __init__(
        self,
        space: SearchSpace,
        table: npt.NDArray[np.float64],
        intercept: float,
        scale: TargetScale,
        relative_std: float,
    ) -> None:
        self.space = space
        self.table = np.ascontiguousarray(table, dtype=np.float64)
        self.intercept = float(intercept)
        self.scale = scale
        self.relative_std = float(relative_std)
        self.pairs = pair_tables(self.table)
        self._rows = [
            {op: row[op] for op in ids.tolist()}
            for ids, row in zip(space.choices, self.table.tolist(), strict=True)
        ]
        self._in_pairs = space.n_ops <= MOST_PAIRED_OPS
        # No sequence has this length in a space where the whole of it must be checked.
        self._unchecked_length = -1 if space.has_rules else len(self._rows)

    def __call__(self, arch: object) -> float:
        """Return the cost of one architecture."""
        if not self._in_pairs:  # batches add one position after the other
            return super().__call__(arch)
        ops: list[int] | tuple[int, ...] = ()
        if isinstance(arch, (list, tuple)) and ONLY_INT.issuperset(map(type, arch)):
            ops = arch
        if len(ops) != self._unchecked_length:
            ops = self.space.parse(arch).tolist()
        total = self.intercept
        try:
            added = map(getitem, self._rows, ops)
            for first, second in zip_longest(added, added, fillvalue=0.0):  # in pairs, as batches
                total += first + second
        except KeyError:
            self.space.parse(arch)  # names what is wrong
            raise
        return self.scale.cost(total)

    def chunk_costs(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of a chunk of op ids ``(n_archs, n_positions)``."""
        return self.scale.costs(sum_pairs(self.pairs, pair_codes(ops), self.intercept))

    def chunk_stds(self, ops: Ops) -> Costs:
        """Return the standard deviations ``(n_archs,)`` of a chunk of op ids."""
        return self.relative_std * self.chunk_costs(ops)

    def arrays(self) -> Arrays:
        """Return the table, the intercept, the scale and the relative deviation."""
        return {
            "table": self.table,
            "intercept": np.array(self.intercept),
            "relative_std": np.array(self.relative_std),
            **self.scale.arrays(),
        }

    @classmethod
    def from_arrays(cls, space: SearchSpace, arrays: Arrays) -> Self:
        """Make the form from saved arrays; without a scale, the sum itself is the cost."""
        if "scale_name" in arrays:
            scale = TargetScale.from_arrays(arrays)
        else:
            scale = TargetScale("linear", 0.0, 1.0, float(arrays["floor"]))
        return cls(
            space,
            arrays["table"],
            float(arrays["intercept"]),
            scale,
            float(arrays["relative_std"]),
        )
