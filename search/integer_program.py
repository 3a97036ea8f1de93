"""Solve an additive program by HiGHS, for what branch and bound leaves open."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from archcost.search.additive_program import Accept, AdditiveProgram
from archcost.search.branch_and_bound import Branched
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]

SCALE = 1e3
"""Range of score and sums for the solver, whose tolerances are absolute."""


def integer_program(
    program: AdditiveProgram, n_best: int, accept: Accept, known: Ops, seconds: float
) -> Branched:
    """Return the best architectures within the limits, one solution after the other.

    Whatever was found, whether it counts or not, is cut off for the next solution: at least one
    position must differ.

    Parameters
    ----------
    program : AdditiveProgram
        Score and limits.
    n_best : int
        How many architectures are wanted.
    accept : callable
        Tells of architectures ``(n_archs, n_positions)`` which count.
    known : array of int, shape (n_known, n_positions)
        Architectures that count; none worse than the `n_best`-th of them is looked for.
    seconds : float
        When to stop.

    Returns
    -------
    Branched
        The architectures, best first, and what no other one can exceed.

    References
    ----------
    Q. Huangfu, J. A. J. Hall, "Parallelizing the Dual Revised Simplex Method", Mathematical
    Programming Computation 10, 2018.
    """
    shifted = program.shifted()
    deadline = time.monotonic() + seconds
    places, ops = np.nonzero(program.allowed)
    cut: list[Ops] = []
    found: list[Ops] = []
    bound = np.inf
    while len(found) < n_best:
        low = program.scores(known[n_best - 1 :][:1]) if len(known) >= n_best else None
        solved, bound = _solve(shifted, places, ops, cut, low, deadline - time.monotonic())
        if solved is None:
            break
        cut.append(solved)
        if accept(solved[None])[0]:
            found.append(solved)
    every = np.unique(np.concatenate([known, np.array(found, dtype=known.dtype).reshape(
        -1, known.shape[1])]), axis=0)  # fmt: skip
    best = every[np.argsort(-program.scores(every), kind="stable")[:n_best]]
    if len(best) >= n_best and len(found) >= n_best:
        bound = float(program.scores(best[-1:])[0])
    return Branched(best, bound)


def _solve(
    program: AdditiveProgram,
    places: npt.NDArray[np.intp],
    ops: npt.NDArray[np.intp],
    cut: list[Ops],
    low: Floats | None,
    seconds: float,
) -> tuple[Ops | None, float]:
    """Return one optimum and the bound; without one, the bound alone, minus infinity if proven."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    if (program.at_most < 0).any():
        return None, -np.inf
    if seconds <= 0:
        return None, np.inf
    n_positions, n_choices = len(program.score), len(places)
    score = program.score[places, ops]
    unit = SCALE / max(np.ptp(score), np.finfo(np.float64).tiny)
    one = csr_array((np.ones(n_choices), (places, np.arange(n_choices))))
    constraints = [LinearConstraint(one, 1.0, 1.0)]
    for row, most in zip(program.rows[:, places, ops], program.at_most, strict=True):
        scale = SCALE / max(most, np.finfo(np.float64).tiny)
        constraints.append(LinearConstraint(csr_array(scale * row[None]), -np.inf, scale * most))
    for solution in cut:
        same = (solution[places] == ops).astype(np.float64)
        constraints.append(LinearConstraint(csr_array(same[None]), -np.inf, n_positions - 1))
    if low is not None:
        constraints.append(LinearConstraint(csr_array(unit * score[None]), unit * low[0], np.inf))
    solved = milp(
        -unit * score,
        constraints=constraints,
        integrality=np.ones(n_choices),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0, "time_limit": seconds},
    )
    if solved.status == 2:  # infeasible
        return None, -np.inf
    bound = np.inf if solved.mip_dual_bound is None else -solved.mip_dual_bound / unit
    if solved.x is None or solved.status != 0:
        return None, bound
    chosen = np.zeros(n_positions, dtype=np.int16)
    chosen[places[solved.x > 0.5]] = ops[solved.x > 0.5]
    return chosen, bound
