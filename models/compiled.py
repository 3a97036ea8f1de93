"""Compiled forms: fitted predictors that numpy alone evaluates.

A compiled form answers for op ids directly, without encoder, predictor or their libraries. On a
small space any predictor becomes a table of its answers (`TableForm`); elsewhere the form follows
the predictor (see ``archcost.models.FORMS``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from archcost.models.chunks import Costs, in_chunks
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops

Arrays = dict[str, npt.NDArray[Any]]

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
        return float(self.chunk_costs(np.array([self.quick_ops(arch)], dtype=self.space.dtype))[0])

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
            if low >= 0 and high < self._n_free_ops and len(arch) == self.space.n_positions:
                return list(arch)
        return self.space.parse(arch).tolist()

    @cached_property
    def _n_free_ops(self) -> int:
        """Number of ops of a space that allows all of them everywhere, together; else 0."""
        is_free = bool(self.space.allowed.all()) and not self.space.has_rules
        return self.space.n_ops if is_free else 0

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
