"""The linear relaxation of an additive program, solved by HiGHS, and what it prices limits at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt

from archcost.search.additive_program import AdditiveProgram

Floats = npt.NDArray[np.float64]

OTHER_LIMITS = (0.8, 1.25)
"""Shares of a limit at which the relaxation is solved for further prices."""


def prices_of(program: AdditiveProgram) -> Floats | None:
    """Return the prices of the limits of a shifted program, shape ``(1, n_limits)``.

    None if even the relaxation keeps no limits.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    if (program.at_most < 0).any():
        return None
    prices = np.zeros((1, len(program.rows)))
    if prices.size:
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
            prices[0] = np.maximum(-solved.ineqlin.marginals, 0.0) / units
    return prices


def other_prices(program: AdditiveProgram) -> Iterator[Floats]:
    """Yield the prices of relaxations with one limit tighter or looser."""
    for limit, factor in product(range(len(program.rows)), OTHER_LIMITS):
        at_most = program.at_most.copy()
        at_most[limit] *= factor
        prices = prices_of(replace(program, at_most=at_most))
        if prices is not None:
            yield prices


def relaxed_bound(program: AdditiveProgram) -> float:
    """Return a score that no architecture within the limits exceeds, minus infinity if none is."""
    shifted = program.shifted()
    prices = prices_of(shifted)
    if prices is None:
        return -np.inf
    reduced = program.score - np.tensordot(prices[0], shifted.rows, 1)
    best = np.where(program.allowed, reduced, -np.inf).max(axis=1)
    return float(best.sum() + prices[0] @ shifted.at_most)
