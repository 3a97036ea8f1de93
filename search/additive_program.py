r"""The best architectures by an additive score within additive limits, as an integer program.

Notation: :math:`x_{p, o} = 1` if op :math:`o` stands at position :math:`p`; :math:`V` what ops add
to the score; :math:`C_j` what they add to the sum that limit :math:`j` bounds by :math:`b_j`.

.. math:: \max_x \sum_{p, o} V_{p, o} x_{p, o} \quad \text{so that} \quad
          \sum_o x_{p, o} = 1, \quad \sum_{p, o} C_{j, p, o} x_{p, o} \le b_j

It is a multiple-choice knapsack problem with several knapsacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from archcost.search.additive_sum import AdditiveSum
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]
Accept = Callable[[Ops], npt.NDArray[np.bool_]]
"""Tells which architectures keep, exactly, all limits and the rules of the space."""

UNITS = (1.0, 1e6)
"""In which scores may be whole numbers."""

MOST_COUNTED = 2.0**50
"""Larger whole numbers are not told apart."""

TOLERANCE = 1e-9
"""Share of a sum that rounding may take; what it lets through is checked exactly afterwards."""


@dataclass(frozen=True)
class AdditiveProgram:
    """A score to be large and sums to be small, op by op and position by position.

    Parameters
    ----------
    allowed : array of bool, shape (n_positions, n_ops)
        Which op may stand where.
    score : array of float64, shape (n_positions, n_ops)
        What each op at each position adds to the score.
    rows : array of float64, shape (n_limits, n_positions, n_ops)
        What it adds to the sum that each limit is on.
    at_most : array of float64, shape (n_limits,)
        The largest sums allowed.
    """

    allowed: npt.NDArray[np.bool_]
    score: Floats
    rows: Floats
    at_most: Floats

    def scores(self, ops: Ops) -> Floats:
        """Return the scores ``(n_archs,)`` of op ids ``(n_archs, n_positions)``."""
        return np.asarray(self.score[np.arange(ops.shape[1]), ops].sum(axis=1))

    @cached_property
    def step(self) -> float:
        """What two scores differ by at least if they differ; 0 where that is not known.

        Scores that are whole numbers, or millionths as FLOPs and parameters in millions are.
        """
        least = np.where(self.allowed, self.score, np.inf).min(axis=1, keepdims=True)
        more = (self.score - least)[self.allowed]
        for unit in UNITS:
            counts = np.round(more * unit)
            exact = np.abs(more * unit - counts) <= TOLERANCE * np.maximum(1.0, counts)
            if exact.all() and counts.max() < MOST_COUNTED:
                return int(np.gcd.reduce(counts.astype(np.int64))) / unit
        return 0.0

    def next_above(self, score: float) -> float:
        """Return the score that whatever is better than `score` has at least, rounding aside."""
        return score + (1.0 - 1e-3) * self.step

    def lowered(self, bound: float, score: float) -> float:
        """Return the highest score that can be reached up to a bound, given one that is."""
        if not self.step or not np.isfinite(bound) or not np.isfinite(score):
            return bound
        steps = np.floor((bound - score) / self.step + 1e-3)
        return float(min(bound, score + max(steps, 0.0) * self.step))

    def shifted(self) -> AdditiveProgram:
        """Return the same program with sums that start at zero: the cheapest op adds nothing."""
        least = np.where(self.allowed, self.rows, np.inf).min(axis=2, keepdims=True)
        at_most = self.at_most - least.sum(axis=(1, 2))
        # A share of all that adds up, so that an architecture exactly at its limit stays in.
        size = np.abs(self.rows).max(axis=2, initial=0.0).sum(axis=1) + np.abs(self.at_most)
        room = at_most + TOLERANCE * np.where(np.isfinite(size), size, 0.0)
        return AdditiveProgram(self.allowed, self.score, self.rows - least, room)


def additive_program(
    allowed: npt.NDArray[np.bool_],
    score: AdditiveSum,
    limits: Sequence[tuple[AdditiveSum, float]],
) -> AdditiveProgram:
    """Return the program of a score and limits.

    Parameters
    ----------
    allowed : array of bool, shape (n_positions, n_ops)
        Which op may stand where.
    score : AdditiveSum
        To be large.
    limits : sequence of (AdditiveSum, float)
        Sums, and the largest that each may be.
    """
    n_limits = len(limits)
    rows = np.array([sums.table for sums, _ in limits], dtype=np.float64)
    at_most = np.array([most - sums.constant for sums, most in limits], dtype=np.float64)
    bound = np.isfinite(at_most) | (at_most < 0)
    return AdditiveProgram(
        allowed,
        np.asarray(score.table, dtype=np.float64),
        rows.reshape(n_limits, *allowed.shape)[bound],
        at_most[bound],
    )
