"""Additive programs whose scores are whole numbers, and exchanges of ops within limits."""

import numpy as np
import pytest

from archcost.search import optimum
from archcost.search.additive_program import AdditiveProgram
from archcost.search.local_search import improved

RNG = np.random.default_rng(0)
EVERY = np.array(np.unravel_index(np.arange(4**6), (4,) * 6)).T


def program_of(score, rows=(), at_most=()):
    allowed = np.ones(score.shape, dtype=bool)
    rows = np.array(rows, dtype=float).reshape(-1, *score.shape)
    return AdditiveProgram(allowed, score, rows, np.array(at_most, dtype=float))


@pytest.mark.parametrize(("unit", "factor", "step"), [(1.0, 6, 6.0), (1e6, 8, 8e-6), (1.0, 0, 0.0)])
def test_scores_that_are_whole_numbers_have_a_step(unit, factor, step):
    score = factor * RNG.integers(0, 50, (6, 4)) / unit
    assert program_of(score).step == pytest.approx(step)


def test_other_scores_have_no_step_and_a_step_lowers_bounds():
    assert program_of(RNG.normal(size=(6, 4))).step == 0.0
    program = program_of(3.0 * RNG.integers(0, 50, (6, 4)) + 0.5)
    assert program.step == 3.0
    assert program.lowered(20.4, 12.5) == 18.5 and program.lowered(18.5 - 1e-9, 12.5) == 18.5 - 1e-9
    assert program.lowered(np.inf, 12.5) == np.inf and program.lowered(7.0, -np.inf) == 7.0


def test_exchanges_keep_limits_and_never_lose():
    score = RNG.uniform(size=(6, 4))
    for _ in range(20):
        rows = RNG.uniform(size=(2, 6, 4))
        at_most = np.array([3.0, 3.0])
        program = program_of(score, rows, at_most)
        sums = rows[:, np.arange(6), EVERY].sum(axis=2)
        within = EVERY[(sums <= at_most[:, None]).all(axis=0)]
        some = within[RNG.integers(len(within))]
        found = improved(program, some, lambda ops: ops[:, 0] != 3)
        assert (found[1:, 0] != 3).all()
        assert (rows[:, np.arange(6), found].sum(axis=2) <= at_most[:, None]).all()
        best = found[program.scores(found).argmax()]
        assert program.scores(best[None])[0] >= program.scores(some[None])[0]
        for place in range(6):  # no other op anywhere is better and within the limits
            near = np.repeat(best[None], 4, axis=0)
            near[:, place] = np.arange(4)
            near = near[(near[:, 0] != 3) & (rows[:, np.arange(6), near].sum(2) <= 3.0).all(0)]
            assert program.scores(near).max() <= program.scores(best[None])[0] + 1e-9


def test_the_most_parameters_within_bytes_that_nearly_say_the_same():
    found = optimum("fbnet", "params", {"weight_bytes": 4e6}, k=3)
    assert found.is_proven and 0.9999 < found.score <= 1.0
    assert (4e6 - found.ranked["weight_bytes"] < 64).all()
