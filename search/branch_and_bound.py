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

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, permutations, product
from math import factorial, prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.search.additive_program import TOLERANCE, Accept, AdditiveProgram
from archcost.search.linear_relaxation import other_prices, prices_of
from archcost.search.local_search import improved
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]

WIDTHS = (300, 3_000, 30_000, 200_000)
"""Partial choices kept at once: few find good architectures, more prove them the best."""

ALIKE_DIGITS = 11
"""Digits in which positions must add the same; `TOLERANCE` takes up the rest."""

MOST_ALIKE = 3
"""Positions that add alike and are decided at once, at most: their choices are listed."""

MOST_ORDERS = 256
"""Orders of positions that add alike, at most, where not all of them need count."""

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
    places : list of int
        The positions.
    ops : array of int, shape (n_choices, n_places)
        Op ids of each choice.
    losses : array of float64, shape (n_choices, n_prices)
        Their losses.
    rows : array of float64, shape (n_limits, n_choices)
        What they add to the limited sums.
    """

    places: list[int]
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
    above: float = -np.inf,
    deadline: float = np.inf,
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
        Whether the program says all that `accept` does, rounding aside. Then one order of
        positions that add alike stands for all; else all orders are checked.
    above : float, optional
        Only better scores are of interest.
    deadline : float, optional
        When to stop, by the monotonic clock.

    Returns
    -------
    Branched
        Proven the best if ``bound`` is not above the last one's score.
    """
    shifted = program.shifted()
    n_positions = len(program.score)
    found: Ops = np.empty((0, n_positions), dtype=np.int16)
    prices = prices_of(shifted)
    if prices is None:
        return Branched(found, -np.inf)
    slack = TOLERANCE * (1.0 + np.abs(program.score).max(axis=1).sum())
    bound = np.inf
    for attempt, width in enumerate(widths):
        if attempt == 1:
            near = [improved(shifted, row, accept) for row in found[:1]]
            found = _best(program, [found, *near], n_best)
            prices = np.concatenate([prices, *other_prices(shifted)])
        if attempt < 2:
            highest, groups = _groups(shifted, prices, is_exact)
        low = max(above, program.next_above(_last(program, found, n_best)))
        ops, dropped = _expand(shifted, groups, highest, low - slack, width)
        order = np.argsort(-program.scores(ops), kind="stable")
        better, n_checked = _accepted(ops[order], groups, n_best, accept, is_exact, deadline)
        if n_checked < len(ops):
            dropped = max(dropped, float(program.scores(ops[order[n_checked]][None])[0]))
        found = _best(program, [found, better], n_best)
        worst = _last(program, found, n_best)
        bound = min(bound, dropped)
        if dropped <= max(above, program.next_above(worst)) + slack:
            return Branched(found, max(above, worst))
        if time.monotonic() > deadline:
            break
    return Branched(found, program.lowered(bound, worst))


def _best(program: AdditiveProgram, some: list[Ops], n_best: int) -> Ops:
    """Return the best of several arrays of architectures, each once, best first."""
    every = np.unique(np.concatenate(some), axis=0)
    return every[np.argsort(-program.scores(every), kind="stable")[:n_best]]


def _last(program: AdditiveProgram, found: Ops, n_best: int) -> float:
    """Return the score that another architecture must exceed; minus infinity if any will do."""
    return float(program.scores(found[-1:])[0]) if len(found) >= n_best else -np.inf


def _groups(
    program: AdditiveProgram, prices: Floats, is_exact: bool
) -> tuple[Floats, list[_Group]]:
    """Return the bounds U ``(n_prices,)``, and the positions that are decided at once.

    Groups where the losses are large come first: they leave the fewest choices.
    """
    reduced = program.score - np.tensordot(prices, program.rows, 1)
    best = np.where(program.allowed, reduced, -np.inf).max(axis=2, keepdims=True)
    losses = (best - reduced).transpose(1, 2, 0)
    alike = list(_split(same_positions([program.allowed, program.score, *program.rows])))
    if not is_exact and prod(factorial(len(places)) for places in alike) > MOST_ORDERS:
        alike = [[place] for place in range(len(program.score))]
    groups = []
    for places in alike:
        ids = np.flatnonzero(program.allowed[places[0]])
        ops = np.array(list(combinations_with_replacement(ids, len(places))))
        lost = losses[places[0], ops].sum(axis=1)
        rows = program.rows[:, places[0], ops].sum(axis=2)
        groups.append(_Group(places, ops, lost, rows))
    groups.sort(key=lambda group: -np.sort(group.losses[:, 0])[1:3].sum())
    return best.sum(axis=(1, 2)) + prices @ program.at_most, groups


def same_positions(tables: list[npt.NDArray[Any]]) -> list[list[int]]:
    """Return the positions that have the same rows in all tables ``(n_positions, n_ops)``."""
    added = np.array(tables, dtype=np.float64)
    size = np.abs(added).max(axis=(1, 2), keepdims=True)
    # Rounding must not tell positions apart; + 0.0 makes -0.0 the same as 0.0.
    added = (added / np.where(size > 0, size, 1.0)).round(ALIKE_DIGITS) + 0.0
    members: dict[bytes, list[int]] = {}
    for place in range(added.shape[1]):
        members.setdefault(added[:, place].tobytes(), []).append(place)
    return list(members.values())


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


def _accepted(
    ops: Ops,
    groups: list[_Group],
    n_best: int,
    accept: Accept,
    is_exact: bool,
    deadline: float,
) -> tuple[Ops, int]:
    """Return the first architectures that count, in all orders, and how many need no further look.

    These are all if `n_best` were found, else those that were checked before the deadline.
    """
    found, places = ops[:0], [group.places for group in groups]
    n_orders = prod(factorial(len(some)) for some in places)
    n_checked = CHECKED if is_exact else max(1, CHECKED // n_orders)
    for start in range(0, len(ops), n_checked):
        if start and time.monotonic() > deadline:
            return found[:n_best], start
        some = ops[start : start + n_checked]
        if is_exact:
            some = some[accept(some)]
            found = np.concatenate([found, *(orders_of(row, places, n_best) for row in some)])
        else:
            some = np.concatenate([orders_of(row, places, MOST_ORDERS) for row in some])
            found = np.concatenate([found, some[accept(some)]])
        if len(found) >= n_best:
            break
    return found[:n_best], len(ops)


def orders_of(ops: Ops, groups: Sequence[Sequence[int]], n_most: int) -> Ops:
    """Return an architecture with equal positions in all orders, at most `n_most`, itself first."""
    alike = [list(places) for places in groups if len(places) > 1]
    orders = [list(dict.fromkeys(permutations(ops[places].tolist()))) for places in alike]
    rows = np.repeat(ops[None], min(n_most, prod(map(len, orders))), axis=0)
    for row, chosen in zip(rows, product(*orders), strict=False):
        for places, values in zip(alike, chosen, strict=True):
            row[places] = values
    return rows
