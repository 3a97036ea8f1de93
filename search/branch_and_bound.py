r"""Solve an additive program by branch and bound, all branches of a position at once.

The prices :math:`\lambda_j \ge 0` of the limits in the linear relaxation turn them into part of the
score: for every architecture within the limits,

.. math:: \sum_p V_{p, a_p} \le U - \sum_p \ell_{p, a_p}, \quad
          \ell_{p, o} = \max_{o'} r_{p, o'} - r_{p, o}, \quad
          r_{p, o} = V_{p, o} - \sum_j \lambda_j C_{j, p, o},

with :math:`U` the optimum of the relaxation. An architecture can therefore be better than the best
one known only if its losses :math:`\ell` sum to less than the distance between that one and
:math:`U`. Positions are decided one after the other; a partial choice is kept only if its losses
and its sums leave it that chance.

References
----------
P. Sinha, A. A. Zoltners, "The Multiple-Choice Knapsack Problem", Operations Research 27, 1979.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.search.additive_program import TOLERANCE, Accept, AdditiveProgram
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]

WIDTHS = (300, 3_000, 30_000, 200_000)
"""Partial choices kept at once: few find good architectures, more prove them the best."""

CHECKED = 64
"""Architectures that are checked exactly at once, best first."""


class Branched(NamedTuple):
    """What branch and bound found.

    Parameters
    ----------
    ops : array of int, shape (n_found, n_positions)
        The best architectures, best first.
    bound : float
        No architecture but those found scores higher; minus infinity if there are no others that
        count.
    """

    ops: Ops
    bound: float


def branch_and_bound(
    program: AdditiveProgram, n_best: int, accept: Accept, widths: tuple[int, ...] = WIDTHS
) -> Branched:
    """Return the best architectures within the limits, and what no other one can exceed.

    Parameters
    ----------
    program : AdditiveProgram
        Score and limits.
    n_best : int
        How many architectures are wanted.
    accept : callable
        Tells of architectures ``(n_archs, n_positions)`` which count.
    widths : tuple of int
        Partial choices kept at once, in one attempt after the other.

    Returns
    -------
    Branched
        Proven the best if ``bound`` is not above the last one's score.
    """
    shifted = program.shifted()
    n_positions = len(program.score)
    found: Ops = np.empty((0, n_positions), dtype=np.int16)
    relaxed = _relaxation(shifted)
    if relaxed is None:
        return Branched(found, -np.inf)
    losses, highest = relaxed
    slack = TOLERANCE * (1.0 + np.abs(program.score).max(axis=1).sum())
    dropped = highest
    for width in widths:
        low = program.scores(found[-1:])[0] if len(found) >= n_best else -np.inf
        ops, least_dropped = _expand(shifted, losses, highest - low + slack, width)
        order = np.argsort(-program.scores(ops), kind="stable")
        better = _accepted(ops[order], n_best, accept)
        found = np.unique(np.concatenate([found, better]), axis=0)
        found = found[np.argsort(-program.scores(found), kind="stable")[:n_best]]
        dropped = highest - least_dropped
        last = program.scores(found[-1:])[0] if len(found) >= n_best else -np.inf
        if dropped <= last + slack:
            return Branched(found, last)
    return Branched(found, min(dropped, highest))


def _relaxation(program: AdditiveProgram) -> tuple[Floats, float] | None:
    """Return the losses of ops and the bound U; None if even the relaxation keeps no limits."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    if (program.at_most < 0).any():
        return None
    prices = np.zeros(len(program.rows))
    if len(prices):
        places, ops = np.nonzero(program.allowed)
        one = csr_array((np.ones(len(places)), (places, np.arange(len(places)))))
        units = np.maximum(program.at_most, np.finfo(np.float64).tiny)
        solved = linprog(
            -program.score[places, ops],
            A_ub=program.rows[:, places, ops] / units[:, None],
            b_ub=program.at_most / units,
            A_eq=one,
            b_eq=np.ones(len(program.score)),
            bounds=(0, 1),
            method="highs-ds",
        )
        if solved.status == 2:  # infeasible
            return None
        if solved.status == 0:
            # Any prices give a bound; rounding leaves these a little off the best ones.
            prices = np.maximum(-solved.ineqlin.marginals, 0.0) / units
    reduced = np.where(
        program.allowed, program.score - np.tensordot(prices, program.rows, 1), -np.inf
    )
    best = reduced.max(axis=1, keepdims=True)
    return best - reduced, float(best.sum() + prices @ program.at_most)


def _expand(
    program: AdditiveProgram, losses: Floats, most_loss: float, width: int
) -> tuple[Ops, float]:
    """Return the architectures left, and the least loss of the partial choices dropped for width.

    Positions where the losses are large come first: they leave the fewest choices.
    """
    order = np.argsort(-np.sort(losses, axis=1)[:, 1:3].sum(axis=1), kind="stable")
    chosen = np.empty((1, 0), dtype=np.int16)
    loss, sums = np.zeros(1), np.zeros((1, len(program.rows)))
    least_dropped = np.inf
    for place in order:
        total = loss[:, None] + losses[place]
        rows, ops = np.nonzero((total <= most_loss) & program.allowed[place])
        added = sums[rows] + program.rows[:, place, ops].T
        fits = (added <= program.at_most).all(axis=1)  # the rest adds at least nothing
        rows, ops, sums = rows[fits], ops[fits], added[fits]
        loss = total[rows, ops]
        if len(rows) > width:
            kept = np.argpartition(loss, width)
            least_dropped = min(least_dropped, float(loss[kept[width:]].min()))
            kept = kept[:width]
            rows, ops, sums, loss = rows[kept], ops[kept], sums[kept], loss[kept]
        chosen = np.concatenate([chosen[rows], ops[:, None].astype(np.int16)], axis=1)
    result = np.empty_like(chosen)
    result[:, order] = chosen
    return result, least_dropped


def _accepted(ops: Ops, n_best: int, accept: Accept) -> Ops:
    """Return the first architectures that count, at most `n_best`."""
    found = ops[:0]
    for start in range(0, len(ops), CHECKED):
        some = ops[start : start + CHECKED]
        found = np.concatenate([found, some[accept(some)]])
        if len(found) >= n_best:
            break
    return found[:n_best]
