"""Compiled forms: fitted predictors that numpy alone evaluates.

A compiled form answers for op ids directly, without encoder, predictor or their libraries.
NAS-Bench-201 is finite, so any predictor becomes a table of its answers (`CellTable`); FBNet's
forms follow the predictor (see ``archcost.models.forms``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from archcost.datasets import ArchitectureError, NASBench201, SearchSpace
from archcost.datasets.space import Ops

Costs = npt.NDArray[np.float64]
Arrays = dict[str, npt.NDArray[Any]]


class CompiledForm(ABC):
    """What every compiled form answers; stateless, read-only, safe to share between threads."""

    kind: ClassVar[str]
    space: SearchSpace

    @abstractmethod
    def __call__(self, arch: object) -> float:
        """Return the cost of one architecture in any accepted form."""

    @abstractmethod
    def predict(self, ops: Ops) -> Costs:
        """Return costs ``(n_archs,)`` for valid op ids ``(n_archs, n_positions)``."""

    @abstractmethod
    def std(self, ops: Ops) -> Costs:
        """Return standard deviations ``(n_archs,)`` for valid op ids."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """Return the arrays to save; ``from_arrays`` takes them back."""

    @classmethod
    @abstractmethod
    def from_arrays(cls, space: SearchSpace, arrays: Arrays) -> Self:
        """Make the form from saved arrays."""


class CellTable(CompiledForm):
    """Any predictor on NAS-Bench-201 as 15,625 costs and standard deviations.

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
        if type(arch) is str:
            index = _index_of_string.get(arch)
            if index is None:
                index = _index_of_string[self.space.format(arch)] = self.space.index(arch)
            return self._view[index]
        if type(arch) is int and 0 <= arch < len(self._view):
            return self._view[arch]
        return self._view[self.space.index(arch)]

    def predict(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of op ids ``(n_archs, 6)``."""
        return self.means.take(self.space.indices(ops))

    def std(self, ops: Ops) -> Costs:
        """Return the standard deviations ``(n_archs,)`` of op ids ``(n_archs, 6)``."""
        return self.stds.take(self.space.indices(ops))

    def predict_index(self, indices: npt.ArrayLike) -> Costs:
        """Return the costs ``(n_archs,)`` at published indices ``(n_archs,)``.

        Raises
        ------
        ArchitectureError
            If an index is no integer or out of range.
        """
        places = np.asarray(indices)
        if places.dtype.kind not in "iu":
            raise ArchitectureError(f"indices must be integers, but got {places.dtype} {indices!r}")
        if places.size and places.min() < 0:  # take would count from the end
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


# Grows to at most the 15,625 published strings; shared by all tables of the process.
_index_of_string: dict[str, int] = {}


def _read_only(values: npt.NDArray[Any]) -> Costs:
    costs = np.array(values, dtype=np.float64)
    costs.setflags(write=False)
    return costs
