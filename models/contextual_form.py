"""Models of networks whose layers depend on few choices each: one number a combination of them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.errors import IntegrityError
from archcost.models.chunks import Costs
from archcost.models.compiled import Arrays, CompiledForm
from archcost.models.target_scale import TargetScale
from archcost.spaces import SearchSpace
from archcost.spaces.space import Ops


class ContextualForm(CompiledForm):
    r"""A cost that is a function of a sum over places, each with the ops that decide on it.

    .. math:: y(a) = t^{-1}\left(c + \sum_p E_p[(a_q)_{q \in C_p}]\right)

    as where a resolution is chosen that all layers have. The last place is that of what belongs
    to no position, such as stem and head.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    contexts : array of bool, shape (n_positions + 1, n_positions)
        Which positions decide on each place.
    entries : array of float, shape (n_entries,)
        What each combination of their ops adds, place after place, the last position of a context
        running fastest.
    intercept : float
        What everything else adds.
    scale : TargetScale
        From the sum to the cost in ms or mJ.
    relative_std : float
        Standard deviation as a share of the cost.

    Raises
    ------
    IntegrityError
        If contexts or entries do not fit the space.
    """

    kind = "contextual"

    def __init__(
        self,
        space: SearchSpace,
        contexts: npt.NDArray[np.bool_],
        entries: npt.NDArray[np.float64],
        intercept: float,
        scale: TargetScale,
        relative_std: float,
    ) -> None:
        shape = space.n_positions + 1, space.n_positions
        if contexts.dtype != bool or contexts.shape != shape:
            raise IntegrityError(
                f"contexts of {space.name} must be truth values of shape {shape}, but are "
                f"{contexts.dtype} of shape {contexts.shape}; train the model again"
            )
        lengths = np.array([len(ids) for ids in space.choices])
        self._strides = np.zeros(shape, dtype=np.int64)
        sizes = np.ones(len(contexts), dtype=np.int64)
        for position in reversed(range(space.n_positions)):
            inside = contexts[:, position]
            self._strides[inside, position] = sizes[inside]
            sizes[inside] *= lengths[position]
        if entries.shape != (sizes.sum(),):
            raise IntegrityError(
                f"the contexts of {space.name} must have {sizes.sum()} entries, but there are "
                f"{entries.shape}; train the model again"
            )
        self.space, self.contexts = space, contexts
        self.entries = np.ascontiguousarray(entries, dtype=np.float64)
        self.intercept, self.relative_std = float(intercept), float(relative_std)
        self.scale = scale
        self._starts = np.cumsum(sizes) - sizes
        self._digits = np.zeros((space.n_positions, space.n_ops), dtype=np.int64)
        for position, ids in enumerate(space.choices):
            self._digits[position, ids] = np.arange(len(ids))

    def chunk_costs(self, ops: Ops) -> Costs:
        """Return the costs ``(n_archs,)`` of a chunk of op ids ``(n_archs, n_positions)``."""
        digits = self._digits[np.arange(self.space.n_positions), ops]
        places = digits @ self._strides.T + self._starts
        total = np.full(len(ops), self.intercept)
        for added in self.entries.take(places).T:  # one after the other, however many rows
            total += added
        return self.scale.costs(total)

    def by_place(self) -> tuple[tuple[tuple[int, ...], ...], tuple[npt.NDArray[np.float64], ...]]:
        """Return for each place its context, and its entries with one axis a position of that."""
        contexts = tuple(tuple(np.flatnonzero(row).tolist()) for row in self.contexts)
        shapes = [tuple(len(self.space.choices[q]) for q in context) for context in contexts]
        parts = np.split(self.entries, self._starts[1:])
        return contexts, tuple(
            part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)
        )

    def chunk_stds(self, ops: Ops) -> Costs:
        """Return the standard deviations ``(n_archs,)`` of a chunk of op ids."""
        return self.relative_std * self.chunk_costs(ops)

    def arrays(self) -> Arrays:
        """Return contexts, entries, intercept, scale and the relative deviation."""
        return {
            "contexts": self.contexts,
            "entries": self.entries,
            "intercept": np.array(self.intercept),
            "relative_std": np.array(self.relative_std),
            **self.scale.arrays(),
        }

    @classmethod
    def from_arrays(cls, space: SearchSpace, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Make the form from saved arrays."""
        return cls(
            space,
            arrays["contexts"],
            arrays["entries"],
            float(arrays["intercept"]),
            TargetScale.from_arrays(arrays),
            float(arrays["relative_std"]),
        )
