"""The Pareto front against its definition."""

import numpy as np
import pytest

from archcost import pareto_front


def by_definition(costs):
    below = (costs[:, None] <= costs).all(axis=2)
    lower = (costs[:, None] < costs).any(axis=2)
    return ~(below & lower).any(axis=0)


@pytest.mark.parametrize("n_costs", [1, 2, 3, 4, 5])
def test_front_is_that_of_the_definition(n_costs):
    rng = np.random.default_rng(n_costs)
    for _ in range(60):
        n_levels, n_archs = rng.integers(2, 12), rng.integers(0, 60)
        costs = rng.integers(0, n_levels, size=(n_archs, n_costs)).astype(float)
        costs[rng.random(costs.shape) < 0.05] = np.inf
        costs[rng.random(costs.shape) < 0.05] = -np.inf
        np.testing.assert_array_equal(pareto_front(costs), by_definition(costs))


def test_order_and_repetition_do_not_matter():
    costs = np.random.default_rng(0).random((500, 3))
    front = pareto_front(costs)
    order = np.random.default_rng(1).permutation(500)
    np.testing.assert_array_equal(pareto_front(costs[order]), front[order])
    np.testing.assert_array_equal(pareto_front(np.tile(costs, (2, 1))), np.tile(front, 2))


def test_a_hundred_thousand_rows_and_all_of_them_on_the_front():
    angles = np.random.default_rng(0).random((100_000, 3))
    sphere = -angles / np.linalg.norm(angles, axis=1, keepdims=True)
    assert pareto_front(sphere).all()
    assert 10 < pareto_front(angles).sum() < 1000


def test_what_is_no_table_of_costs_is_refused():
    with pytest.raises(ValueError, match=r"shape \(n_archs, n_costs\), but got \(2,\)"):
        pareto_front([1.0, 2.0])
    with pytest.raises(ValueError, match="row 1 holds NaN"):
        pareto_front([[1.0, 2.0], [np.nan, 2.0]])
