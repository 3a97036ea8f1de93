"""Tables of all answers: what any predictor becomes on a small space."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchitectureError, IntegrityError, shown
from archcost.models.chunks import Costs
from archcost.models.compiled import ONLY_INT, Arrays, CompiledForm
from archcost.models.pair_codes import pair_codes, pair_tables, sum_pairs
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

Rows = npt.NDArray[np.intp]

MOST_COMBINATIONS = 1 << 15
"""Spaces with at most this many combinations are tabulated; NAS-Bench-201 has 15,625."""

MOST_KNOWN = 1 << 16
"""Remembered architectures: enough for all in two forms, and a bound on strings with odd spaces."""


class TableForm(CompiledForm):
    """Any predictor on a small space as a table of costs and standard deviations; exact.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    means, stds : array of float, shape (n_archs,)
        Costs and standard deviations in ms or mJ, in the order of ``space.all_ops``.

    Raises
    ------
    IntegrityError
        If there are not as many costs as architectures.
    """

    kind = "cells"

    def __init__(self, space: SearchSpace, means: npt.NDArray[Any], stds: npt.NDArray[Any]) -> None:
        if not len(means) == len(stds) == len(space.all_ops):
            raise IntegrityError(
                f"a table of {space.name} must have {len(space.all_ops)} costs and deviations, one "
                f"an architecture, but has {len(means)} and {len(stds)}; train the model again"
            )
        self.space = space
        self.means = _read_only(means)
        self.stds = _read_only(np.asarray(stds, dtype=np.float32))  # half the file, as saved
        self._view = memoryview(self.means.data)  # indexing gives a Python float, without a copy
        # Without a published order, or with combinations left out, an index is no row.
        self._n_indices = len(means) if space.has_index and not space.has_rules else 0
        self._known = _known_rows(space)

    def __call__(self, arch: object) -> float:
        """Return the cost of one architecture."""
        known: str | tuple[int, ...] | None = None
        if type(arch) is str:
            known = arch
        elif type(arch) is int and 0 <= arch < self._n_indices:
            return self._view[arch]
        elif type(arch) is tuple or type(arch) is list:
            try:
                a, b, c, d, e, f = arch  # twice as fast as what follows, for NAS-Bench-201
            except ValueError:
                if ONLY_INT.issuperset(map(type, arch)):
                    known = tuple(arch)
            else:
                if type(a) is type(b) is type(c) is type(d) is type(e) is type(f) is int:
                    known = (a, b, c, d, e, f)
        row = self._known.get(known)
        if row is None:
            row = int(table_rows(self.space, self.space.parse(arch)[None])[0])
            if known is not None and len(self._known) < MOST_KNOWN:
                self._known[known] = row
        return self._view[row]

    def chunk_costs(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of a chunk of op ids ``(n_archs, n_positions)``."""
        return self.means.take(table_rows(self.space, ops))

    def chunk_stds(self, ops: Ops) -> Costs:
        """Return the standard deviations ``(n_archs,)`` of a chunk of op ids."""
        return self.stds.take(table_rows(self.space, ops))

    def predict_index(self, indices: npt.ArrayLike) -> Costs:
        """Return the costs ``(n_archs,)`` at published indices ``(n_archs,)``.

        Raises
        ------
        ArchitectureError
            If an index is no integer or out of range.
        """
        places = np.asarray(indices)
        if places.size == 0:
            return np.empty(places.shape)
        if places.dtype.kind not in "iu":
            raise ArchitectureError(
                f"indices must be integers, but got {places.dtype} {shown(indices)}"
            )
        if places.min() < 0:  # take would count from the end
            raise ArchitectureError(f"indices must not be negative, but got {places.min()}")
        try:
            return self.means.take(places)
        except IndexError:
            raise ArchitectureError(
                f"indices must be at most {len(self.means) - 1}, but got {places.max()}"
            ) from None

    def arrays(self) -> Arrays:
        """Return the costs as float64, exactly the predictor's, and their deviations as float32."""
        return {"means": self.means, "stds": self.stds.astype(np.float32)}

    @classmethod
    def from_arrays(cls, space: SearchSpace, arrays: Arrays) -> Self:
        """Make the table from its two columns."""
        return cls(space, arrays["means"], arrays["stds"])


def can_be_tabulated(space: SearchSpace) -> bool:
    """Tell whether a space is small enough for a table of all its architectures."""
    return space.is_enumerable and space.size <= MOST_COMBINATIONS


def table_rows(space: SearchSpace, ops: Ops) -> Rows:
    """Return the rows ``(n_archs,)`` of valid op ids in the order of ``space.all_ops``."""
    pairs, row_of_code = _codes(space)
    return row_of_code.take(sum_pairs(pairs, pair_codes(ops), 0))


@cache
def _codes(space: SearchSpace) -> tuple[Rows, Rows]:
    """Return what pairs of positions add to an architecture's code, and the row of each code."""
    table = np.zeros((space.n_positions, space.n_ops), dtype=np.intp)
    for place, ids in enumerate(space.choices):
        table[place, ids] = np.arange(len(ids)) * prod(map(len, space.choices[place + 1 :]))
    pairs = pair_tables(table)
    row_of_code = np.full(space.size, -1, dtype=np.intp)
    codes = sum_pairs(pairs, pair_codes(space.all_ops), 0)
    row_of_code[codes] = np.arange(len(codes))
    return pairs, row_of_code


@cache
def _known_rows(space: SearchSpace) -> dict[str | tuple[int, ...] | None, int]:
    """Return the rows of strings and op ids that were asked for, shared by all tables."""
    return {}


def _read_only(values: npt.NDArray[Any]) -> Costs:
    costs = np.array(values, dtype=np.float64)
    costs.setflags(write=False)
    return costs
