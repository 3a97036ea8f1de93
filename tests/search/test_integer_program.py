"""Branch and bound, HiGHS and brute force agree on additive programs."""

import itertools

import numpy as np
import pytest

from archcost.search.additive_program import AdditiveProgram
from archcost.search.branch_and_bound import branch_and_bound
from archcost.search.integer_program import integer_program


def program_of(seed, n_limits, n_positions=5, n_ops=4, whole=False):
    rng = np.random.default_rng(seed)
    allowed = rng.random((n_positions, n_ops)) < 0.8
    allowed[:, 0] = True
    draw = rng.integers(0, 6, (n_limits + 1, n_positions, n_ops)).astype(float) if whole else (
        rng.normal(size=(n_limits + 1, n_positions, n_ops))
    )  # fmt: skip
    score, rows = draw[0], draw[1:]
    every = every_of(allowed)
    sums = rows[:, np.arange(n_positions), every].sum(axis=-1)
    at_most = np.quantile(sums, 0.4, axis=1) if n_limits else np.empty(0)
    return AdditiveProgram(allowed, score, rows, at_most)


def every_of(allowed):
    return np.array(list(itertools.product(*(np.flatnonzero(row) for row in allowed))))


def brute_force(program, n_best, accept):
    every = every_of(program.allowed)
    sums = program.rows[:, np.arange(every.shape[1]), every].sum(axis=-1)
    every = every[(program.at_most + 1e-12 >= sums.T).all(axis=1)]
    return np.sort(program.scores(every[accept(every)]))[::-1][:n_best]


def anything(ops):
    return np.ones(len(ops), dtype=bool)


def even(ops):
    return ops.sum(axis=1) % 2 == 0


@pytest.mark.parametrize("accept", [anything, even])
@pytest.mark.parametrize("n_best", [1, 4])
@pytest.mark.parametrize("n_limits", [0, 1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_all_three_agree(seed, n_limits, n_best, accept):
    program = program_of(seed, n_limits, whole=seed % 2 == 1)
    expected = brute_force(program, n_best, accept)
    branched = branch_and_bound(program, n_best, accept)
    np.testing.assert_allclose(program.scores(branched.ops), expected, atol=1e-9)
    assert len(expected) == 0 or branched.bound <= expected[-1] + 1e-9
    known = branched.ops[:0]
    solved = integer_program(program, n_best, accept, known, seconds=60)
    np.testing.assert_allclose(program.scores(solved.ops), expected, atol=1e-6)
    again = integer_program(program, n_best, accept, branched.ops, seconds=60)
    np.testing.assert_allclose(program.scores(again.ops), expected, atol=1e-6)


def test_too_narrow_a_search_says_how_much_may_be_missed():
    program = program_of(3, 3, n_positions=7)
    best = brute_force(program, 1, anything)[0]
    narrow = branch_and_bound(program, 1, anything, widths=(2,))
    assert narrow.bound >= best
    assert len(narrow.ops) == 0 or program.scores(narrow.ops)[0] <= best
    wide = branch_and_bound(program, 1, anything, widths=(2, 10_000))
    assert program.scores(wide.ops)[0] == wide.bound == best


def test_nothing_within_the_limits_is_proven():
    program = program_of(0, 1)
    none = AdditiveProgram(program.allowed, program.score, program.rows, np.array([-99.0]))
    empty = np.empty((0, 5), dtype=np.int16)
    for found in (
        branch_and_bound(none, 1, anything),
        integer_program(none, 1, anything, empty, seconds=60),
        branch_and_bound(program, 1, lambda ops: np.zeros(len(ops), dtype=bool)),
    ):
        assert len(found.ops) == 0 and found.bound == -np.inf


def test_no_time_proves_nothing():
    program = program_of(0, 1)
    found = integer_program(program, 1, anything, np.empty((0, 5), dtype=np.int16), seconds=0)
    assert len(found.ops) == 0 and found.bound == np.inf
