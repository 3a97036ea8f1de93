"""What is known exactly of a network: its work, and the memory that it needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.search.additive_sum import AdditiveSum
from archcost.search.contextual_sum import ContextualSum
from archcost.search.work_measures import MEASURES, PEAK
from archcost.spaces import SearchSpace
from archcost.spaces.position_peaks import network_peaks, position_peaks
from archcost.spaces.position_work import network_work, position_work, work_entries
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Work:
    """What the whole network computes or holds, which is known exactly.

    Parameters
    ----------
    name : {"flops", "params", "activation_bytes", "weight_bytes", "weight_bytes_int8"}
        A measure; see ``archcost.search.work_measures``.
    space : SearchSpace
        The search space.
    dataset : str, optional
        Fixes the input size; the space's default by default.
    """

    name: str
    space: SearchSpace
    dataset: str | None = None

    def values(self, ops: Ops) -> Floats:
        """Return the work ``(n_archs,)``, exact in every space."""
        dataset = self.space.check_dataset(self.dataset)
        return network_work(self.space, ops, dataset, MEASURES[self.name])[:, 0]

    def interval(self, ops: Ops, level: float) -> Floats:
        """Return the work twice, ``(n_archs, 2)``: it is certain."""
        return np.repeat(self.values(ops)[:, None], 2, axis=1)

    def upper(self, ops: Ops, level: float) -> Floats:
        """Return the work: it is certain."""
        return self.values(ops)

    def most_within(self, at_most: float, level: float) -> float:
        """Return the limit: work is certain."""
        return at_most

    def sums(self) -> AdditiveSum | ContextualSum | None:
        """Return the work by position, or by those that decide on it; None if they are too many."""
        dataset, measure = self.space.check_dataset(self.dataset), MEASURES[self.name]
        work = position_work(self.space, dataset, measure)
        if work.is_additive:
            return AdditiveSum(work.table.sum(axis=2)[..., 0], float(work.fixed.sum()))
        entries = work_entries(self.space, dataset, measure)
        return None if entries is None else ContextualSum(self.space, *entries)

    def choices_within(self, at_most: float) -> None:
        """Return None: the ops decide together."""

    def identity(self) -> str:
        """Return the name and the dataset."""
        return f"{self.name} {self.space.check_dataset(self.dataset)}"


@dataclass(frozen=True)
class PeakMemory:
    """The most bytes that activations take at once, which is known exactly.

    Parameters
    ----------
    space : SearchSpace
        The search space.
    dataset : str, optional
        Fixes the input size; the space's default by default.
    """

    space: SearchSpace
    dataset: str | None = None
    name = PEAK

    def values(self, ops: Ops) -> Floats:
        """Return the peaks ``(n_archs,)``, exact in every space."""
        return network_peaks(self.space, ops, self.space.check_dataset(self.dataset))

    def interval(self, ops: Ops, level: float) -> Floats:
        """Return the peak twice, ``(n_archs, 2)``: it is certain."""
        return np.repeat(self.values(ops)[:, None], 2, axis=1)

    def upper(self, ops: Ops, level: float) -> Floats:
        """Return the peak: it is certain."""
        return self.values(ops)

    def most_within(self, at_most: float, level: float) -> float:
        """Return the limit: the peak is certain."""
        return at_most

    def sums(self) -> None:
        """Return None: a maximum is no sum."""

    def choices_within(self, at_most: float) -> npt.NDArray[np.bool_] | None:
        """Tell which ops need at most that many bytes where they stand; None if others matter."""
        peaks = position_peaks(self.space, self.space.check_dataset(self.dataset))
        if not peaks.is_separable:
            return None
        return (peaks.table <= at_most) & (peaks.fixed <= at_most)

    def identity(self) -> str:
        """Return the name and the dataset."""
        return f"{self.name} {self.space.check_dataset(self.dataset)}"
