"""Programs whose sums some positions decide: one additive program for each of their choices.

A resolution or a width changes what all other choices add. Once it is decided the rest is an
additive program, whose linear relaxation bounds it; best bound first, most cases need no more than
that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt

from archcost.search.additive_program import (
    TOLERANCE,
    Accept,
    AdditiveProgram,
    additive_program,
)
from archcost.search.additive_sum import AdditiveSum
from archcost.search.branch_and_bound import Branched, branch_and_bound
from archcost.search.contextual_sum import ContextualSum
from archcost.search.integer_program import integer_program
from archcost.search.linear_relaxation import relaxed_bound
from archcost.spaces.space import Ops

Sums = AdditiveSum | ContextualSum

MOST_CASES = 1_000
"""Choices at deciding positions, at most; a relaxation takes 5 ms."""


@dataclass(frozen=True)
class Case:
    """What is left once the deciding positions are decided.

    Parameters
    ----------
    program : AdditiveProgram
        Score and limits of the other positions.
    constant : float
        What the score has besides.
    bound : float
        A total that no architecture within the limits exceeds.
    """

    program: AdditiveProgram
    constant: float
    bound: float


def deciding(
    allowed: npt.NDArray[np.bool_], score: Sums, limits: Sequence[tuple[Sums, float] | None]
) -> tuple[tuple[int, ...], list[tuple[Sums, float]]] | None:
    """Return the positions to decide, and the limits that are additive after that.

    None if the score alone has too many. Limits that would need too many are left out.
    """
    places = set(score.deciding)
    kept: list[tuple[Sums, float]] = []
    n_choices = allowed.sum(axis=1)
    if prod(n_choices[place] for place in places) > MOST_CASES:
        return None
    for limit in limits:
        if limit is not None:
            more = places | limit[0].deciding
            if prod(n_choices[place] for place in more) <= MOST_CASES:
                places = more
                kept.append(limit)
    return tuple(sorted(places)), kept


def cases(
    allowed: npt.NDArray[np.bool_],
    places: tuple[int, ...],
    score: Sums,
    limits: Sequence[tuple[Sums, float]],
) -> list[Case]:
    """Return every case that can keep the limits, highest bound first."""
    found = []
    for decided, there in choices_at(allowed, places):
        sums = score.given(decided)
        limited = [(limit.given(decided), most) for limit, most in limits]
        program = additive_program(there, sums, limited)
        bound = relaxed_bound(program) if places else np.inf
        if bound > -np.inf:
            found.append(Case(program, sums.constant, sums.constant + bound))
    return sorted(found, key=lambda case: -case.bound)


def choices_at(
    allowed: npt.NDArray[np.bool_], places: tuple[int, ...]
) -> Iterator[tuple[dict[int, int], npt.NDArray[np.bool_]]]:
    """Yield all choices at some positions, and which ops may then stand where."""
    for ops in product(*(np.flatnonzero(allowed[place]).tolist() for place in places)):
        there = allowed.copy()
        there[list(places)] = False
        there[list(places), list(ops)] = True
        yield dict(zip(places, ops, strict=True)), there


def solve(
    every: Sequence[Case], n_best: int, accept: Accept, deadline: float, *, is_exact: bool
) -> tuple[Branched, str]:
    """Return the best architectures of all cases, and what found the last of them.

    Parameters
    ----------
    every : sequence of Case
        Highest bound first.
    n_best : int
        How many architectures are wanted.
    accept : callable
        Tells of architectures ``(n_archs, n_positions)`` which count.
    deadline : float
        When to stop, by the monotonic clock; the bound then covers what is left.
    is_exact : bool
        As for ``branch_and_bound``.

    Returns
    -------
    Branched
        The architectures and a bound on all others, constants included; minus infinity if there
        are no others.
    str
        The method.
    """
    n_positions = len(every[0].program.score) if every else 0
    found: Ops = np.empty((0, n_positions), dtype=np.int16)
    totals = np.empty(0)
    bound, method = -np.inf, "branch and bound"
    for number, case in enumerate(every):
        last = totals[-1] if len(found) >= n_best else -np.inf
        if case.bound <= last + TOLERANCE * abs(last):
            break
        if number and time.monotonic() > deadline:
            bound = max(bound, case.bound)
            break
        best = branch_and_bound(
            case.program, n_best, accept, is_exact=is_exact, above=last - case.constant,
            deadline=deadline,
        )  # fmt: skip
        worst = case.program.scores(best.ops[-1:])[0] if len(best.ops) >= n_best else -np.inf
        if best.bound > max(worst, last - case.constant):
            seconds = deadline - time.monotonic()
            more = integer_program(case.program, n_best, accept, best.ops, seconds)
            bound_there = case.program.lowered(min(best.bound, more.bound), worst)
            best, method = Branched(more.ops, bound_there), "HiGHS"
        bound = max(bound, min(case.bound, case.constant + best.bound))
        found = np.concatenate([found, best.ops])
        totals = np.concatenate([totals, case.constant + case.program.scores(best.ops)])
        order = np.argsort(-totals, kind="stable")[:n_best]
        found, totals = found[order], totals[order]
    return Branched(found, bound), method
