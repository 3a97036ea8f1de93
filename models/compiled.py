"""Compiled forms: fitted predictors that numpy alone evaluates.

A compiled form answers for op ids directly, without encoder, predictor or their libraries.
NAS-Bench-201 is finite, so any predictor becomes a table of its answers (`CellTable`); FBNet's
forms follow the predictor (see ``archcost.models.forms``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchitectureError
from archcost.models.chunks import Costs, in_chunks
from archcost.models.pair_codes import pair_codes, pair_tables, sum_pairs
from archcost.spaces import NASBench201, SearchSpace
from archcost.spaces.space import Ops

Arrays = dict[str, npt.NDArray[Any]]

CELLS = NASBench201().size
ONLY_INT = frozenset({int})
"""Types of plain op ids; a bool or a float equals an id, but is none."""


class CompiledForm(ABC):
    """What every compiled form answers; stateless, read-only, safe to share between threads.

    A row's answer has the same bits whether it is asked alone, in a batch, or from a thread: each
    form adds a row's terms in an order of its own that nothing around the row changes.
    """

    kind: ClassVar[str]
    has_std: ClassVar[bool] = True
    """Whether the form knows standard deviations; if not, the predictor is asked for them."""
    space: SearchSpace

    def __call__(self, arch: object) -> float:
        """Return the cost of one architecture in any accepted form."""
        return float(self.chunk_costs(np.array([self.quick_ops(arch)], dtype=np.int8))[0])

    def predict(self, ops: Ops) -> Costs:
        """Return costs ``(n_archs,)`` for valid op ids ``(n_archs, n_positions)``."""
        return in_chunks(self.chunk_costs, ops)

    def std(self, ops: Ops) -> Costs:
        """Return standard deviations ``(n_archs,)`` for valid op ids."""
        return in_chunks(self.chunk_stds, ops)

    def quick_ops(self, arch: object) -> list[int]:
        """Return the op ids of one architecture; checks a plain list or tuple of ids the short way.

        Raises
        ------
        ArchitectureError
            If the architecture is malformed.
        """
        if (type(arch) is list or type(arch) is tuple) and ONLY_INT.issuperset(map(type, arch)):
            low, high = min(arch, default=0), max(arch, default=0)
            if low >= 0 and high < self.space.n_ops and len(arch) == self.space.n_positions:
                return list(arch)
        return self.space.parse(arch).tolist()

    @abstractmethod
    def chunk_costs(self, ops: Ops) -> Costs:
        """Return costs ``(n_archs,)`` for a chunk of valid op ids."""

    @abstractmethod
    def chunk_stds(self, ops: Ops) -> Costs:
        """Return standard deviations ``(n_archs,)`` for a chunk of valid op ids."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Return the arrays to save; ``from_arrays`` takes them back."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, space: SearchSpace, arrays: Arrays) -> Self:
        """Make the form from saved arrays."""


class CellTable(CompiledForm):
    """Any predictor on NAS-Bench-201 as 15,625 costs and standard deviations; exact.

    Parameters
    ----------
    means, stds : array of float, shape (15625,)
        Costs and standard deviations in ms or mJ, in published index order.
    """

    kind = "cells"
    space = NASBench201()

    def __init__(self, means: npt.NDArray[Any], stds: npt.NDArray[Any]) -> None:
        self.means = _read_only(means)
        self.stds = _read_only(np.asarray(stds, dtype=np.float32))  # half the file, as saved
        self._view = memoryview(self.means.data)  # indexing gives a Python float, without a copy

    def __call__(self, arch: object) -> float:
        """Return the cost of one cell."""
        known: str | tuple[int, ...] | None = None
        if type(arch) is str:
            known = arch
        elif type(arch) is int and 0 <= arch < CELLS:
            return self._view[arch]
        elif type(arch) is tuple or type(arch) is list:
            try:
                a, b, c, d, e, f = arch
            except ValueError:
                pass  # another number of ops: refused below
            else:
                if type(a) is type(b) is type(c) is type(d) is type(e) is type(f) is int:
                    known = (a, b, c, d, e, f)
        index = _known_cells.get(known)
        if index is None:
            index = self.space.index(arch)
            if known is not None and len(_known_cells) < MOST_KNOWN:
                _known_cells[known] = index
        return self._view[index]

    def chunk_costs(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of a chunk of op ids ``(n_archs, 6)``."""
        return self.means.take(cell_indices(ops))

    def chunk_stds(self, ops: Ops) -> Costs:
        """Return the standard deviations ``(n_archs,)`` of a chunk of op ids ``(n_archs, 6)``."""
        return self.stds.take(cell_indices(ops))

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
            raise ArchitectureError(f"indices must be integers, but got {places.dtype} {indices!r}")
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
        return cls(arrays["means"], arrays["stds"])


def cell_indices(ops: Ops) -> npt.NDArray[np.intp]:
    """Return the published indices ``(n_archs,)`` of valid cells ``(n_archs, 6)``."""
    pairs, index_of_code = _cell_codes()
    return index_of_code.take(sum_pairs(pairs, pair_codes(ops), 0))


@cache
def _cell_codes() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return what pairs of edges add to a cell's code, and the published index of each code."""
    space = CellTable.space
    digits = space.code(np.eye(space.n_positions, dtype=np.int64))  # the worth of each edge
    table = np.multiply.outer(digits, np.arange(space.n_ops))
    return pair_tables(table.astype(np.intp)), np.argsort(space.code(space.all_ops))


# Indices of strings and op ids that were asked for; shared by all tables of the process.
_known_cells: dict[str | tuple[int, ...] | None, int] = {}
MOST_KNOWN = 1 << 16
"""Enough for every cell in both forms, and a bound where strings come with odd spaces."""


def _read_only(values: npt.NDArray[Any]) -> Costs:
    costs = np.array(values, dtype=np.float64)
    costs.setflags(write=False)
    return costs
