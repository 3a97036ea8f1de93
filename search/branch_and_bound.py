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

Other prices bound partial choices tighter whose sums have left the optimum's: those of relaxations
with one limit tighter or looser. The least of all bounds decides.

Positions that add alike, such as equal blocks of one stage, are decided at once, by which ops stand
there and not in which order: three positions of nine ops have 165 such choices instead of 729.

References
----------
P. Sinha, A. A. Zoltners, "The Multiple-Choice Knapsack Problem", Operations Research 27, 1979.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, permutations, product
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.search.additive_program import TOLERANCE, Accept, AdditiveProgram
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]

WIDTHS = (300, 3_000, 30_000, 200_000)
"""Partial choices kept at once: few find good architectures, more prove them the best."""

OTHER_LIMITS = (0.8, 1.25)
"""Shares of a limit at which the relaxation is solved for further prices."""

ALIKE_DIGITS = 11
"""Digits in which positions must add the same; `TOLERANCE` takes up the rest."""

MOST_ALIKE = 3
"""Positions that add alike and are decided at once, at most: their choices are listed."""

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


@dataclass(frozen=True)
class _Group:
    """Positions that add alike, and what can stand there in whatever order.

    Parameters
    ----------
    places : array of int, shape (n_places,)
        The positions.
    ops : array of int, shape (n_choices, n_places)
        Op ids of each choice.
    losses : array of float64, shape (n_choices, n_prices)
        Their losses.
    rows : array of float64, shape (n_limits, n_choices)
        What they add to the limited sums.
    """

    places: npt.NDArray[np.intp]
    ops: npt.NDArray[np.intp]
    losses: Floats
    rows: Floats


def branch_and_bound(
    program: AdditiveProgram,
    n_best: int,
    accept: Accept,
    widths: tuple[int, ...] = WIDTHS,
    *,
    is_exact: bool = False,
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
    is_exact : bool, default=False
        Whether the program says all that `accept` does, rounding aside. Then positions that add
        alike need not be told from each other.

    Returns
    -------
    Branched
        Proven the best if ``bound`` is not above the last one's score.
    """
    shifted = program.shifted()
    n_positions = len(program.score)
    found: Ops = np.empty((0, n_positions), dtype=np.int16)
    prices = _prices(shifted)
    if prices is None:
        return Branched(found, -np.inf)
    slack = TOLERANCE * (1.0 + np.abs(program.score).max(axis=1).sum())
    bound = np.inf
    for attempt, width in enumerate(widths):
        if attempt == 1:
            prices = np.concatenate([prices, *_other_prices(shifted)])
        if attempt < 2:
            highest, groups = _groups(shifted, prices, is_exact)
        low = program.scores(found[-1:])[0] if len(found) >= n_best else -np.inf
        ops, dropped = _expand(shifted, groups, highest, low - slack, width)
        order = np.argsort(-program.scores(ops), kind="stable")
        better = _accepted(ops[order], groups, n_best, accept)
        found = np.unique(np.concatenate([found, better]), axis=0)
        found = found[np.argsort(-program.scores(found), kind="stable")[:n_best]]
        last = program.scores(found[-1:])[0] if len(found) >= n_best else -np.inf
        bound = min(bound, dropped)
        if dropped <= last + slack:
            return Branched(found, last)
    return Branched(found, bound)


def _prices(program: AdditiveProgram) -> Floats | None:
    """Return the prices of the linear relaxation, shape ``(1, n_limits)``.

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


def _other_prices(program: AdditiveProgram) -> Iterator[Floats]:
    """Yield the prices of relaxations with one limit tighter or looser."""
    for limit, factor in product(range(len(program.rows)), OTHER_LIMITS):
        at_most = program.at_most.copy()
        at_most[limit] *= factor
        prices = _prices(replace(program, at_most=at_most))
        if prices is not None:
            yield prices


def _groups(
    program: AdditiveProgram, prices: Floats, is_exact: bool
) -> tuple[Floats, list[_Group]]:
    """Return the bounds U ``(n_prices,)``, and the positions that are decided at once.

    Groups where the losses are large come first: they leave the fewest choices.
    """
    reduced = program.score - np.tensordot(prices, program.rows, 1)
    best = np.where(program.allowed, reduced, -np.inf).max(axis=2, keepdims=True)
    losses = (best - reduced).transpose(1, 2, 0)
    added = np.concatenate([program.allowed[None], program.score[None], program.rows])
    size = np.abs(added).max(axis=(1, 2), keepdims=True)
    # Rounding must not tell positions apart; + 0.0 makes -0.0 the same as 0.0.
    added = (added / np.where(size > 0, size, 1.0)).round(ALIKE_DIGITS) + 0.0
    members: dict[bytes, list[int]] = {}
    for place in range(len(program.score)):
        key = added[:, place].tobytes() if is_exact else place.to_bytes(4, "big")
        members.setdefault(key, []).append(place)
    groups = []
    for places in _split(members.values()):
        ids = np.flatnonzero(program.allowed[places[0]])
        ops = np.array(list(combinations_with_replacement(ids, len(places))))
        lost = losses[places[0], ops].sum(axis=1)
        rows = program.rows[:, places[0], ops].sum(axis=2)
        groups.append(_Group(np.array(places), ops, lost, rows))
    groups.sort(key=lambda group: -np.sort(group.losses[:, 0])[1:3].sum())
    return best.sum(axis=(1, 2)) + prices @ program.at_most, groups


def _split(groups: Iterable[list[int]]) -> Iterator[list[int]]:
    """Yield groups of few enough positions that their choices can be listed."""
    for places in groups:
        for start in range(0, len(places), MOST_ALIKE):
            yield places[start : start + MOST_ALIKE]


def _expand(
    program: AdditiveProgram, groups: list[_Group], highest: Floats, low: float, width: int
) -> tuple[Ops, float]:
    """Return the architectures left, and the highest bound of what was dropped for width.

    Of positions that add alike, one order is returned.
    """
    chosen = np.empty((1, 0), dtype=np.int16)
    losses, sums = np.zeros((1, len(highest))), np.zeros((1, len(program.rows)))
    dropped = -np.inf
    for group in groups:
        # The first bound alone first: it leaves few of all pairs.
        rows, choices = np.nonzero(highest[0] - (losses[:, :1] + group.losses[:, 0]) >= low)
        added = sums[rows] + group.rows[:, choices].T
        fits = (added <= program.at_most).all(axis=1)  # the rest adds at least nothing
        rows, choices, sums = rows[fits], choices[fits], added[fits]
        losses = losses[rows] + group.losses[choices]
        bounds = (highest - losses).min(axis=1)
        kept = np.flatnonzero(bounds >= low)
        if len(kept) > width:
            order = np.argpartition(-bounds[kept], width)
            dropped = max(dropped, float(bounds[kept[order[width:]]].max()))
            kept = kept[order[:width]]
        rows, choices, sums, losses = rows[kept], choices[kept], sums[kept], losses[kept]
        chosen = np.concatenate([chosen[rows], group.ops[choices].astype(np.int16)], axis=1)
    result = np.empty_like(chosen)
    result[:, np.concatenate([group.places for group in groups])] = chosen
    return result, dropped


def _accepted(ops: Ops, groups: list[_Group], n_best: int, accept: Accept) -> Ops:
    """Return the first architectures that count, at most `n_best`, in all orders of equal ones."""
    found = ops[:0]
    for start in range(0, len(ops), CHECKED):
        some = ops[start : start + CHECKED]
        some = some[accept(some)]
        found = np.concatenate([found, *(_orders(row, groups, n_best) for row in some)])
        if len(found) >= n_best:
            break
    return found[:n_best]


def _orders(ops: Ops, groups: list[_Group], n_most: int) -> Ops:
    """Return an architecture with equal positions in all orders, at most `n_most`, itself first."""
    alike = [group.places for group in groups if len(group.places) > 1]
    orders = [list(dict.fromkeys(permutations(ops[places].tolist()))) for places in alike]
    rows = np.repeat(ops[None], min(n_most, prod(map(len, orders))), axis=0)
    for row, chosen in zip(rows, product(*orders), strict=False):
        for places, values in zip(alike, chosen, strict=True):
            row[places] = values
    return rows
