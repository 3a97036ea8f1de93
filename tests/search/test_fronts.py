"""Exact fronts: against brute force, and against optima within limits."""

import numpy as np
import pytest
from my_space import MySpace

from archcost.errors import ArchcostError
from archcost.models import pareto_front
from archcost.search import exact_front, optimum
from archcost.search.known_quantities import Work
from archcost.search.scan_scores import work_score
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")


def front_by_brute_force(space, every, score):
    objectives = np.stack([-score(every), Work("params", space).values(every)], axis=1)
    return np.unique(objectives[pareto_front(objectives)], axis=0)


def same(front, expected):
    np.testing.assert_allclose(front.iloc[:, 1:].to_numpy() * [-1, 1], expected, rtol=1e-12)


@pytest.mark.parametrize("listed", [True, False])
def test_cells(listed, monkeypatch):
    table = np.random.default_rng(0).normal(size=(6, 5))
    every = CELLS.all_ops
    expected = front_by_brute_force(CELLS, every, lambda ops: table[range(6), ops].sum(axis=1))
    if not listed:
        monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 100)
    front = exact_front(CELLS, table, "params")
    assert list(front.columns) == ["arch", "score", "params"]
    same(front, expected)


def test_a_listed_space_with_rules_and_work_that_does_not_add_up():
    space = MySpace()
    same(exact_front(space, "flops", "params"),
         front_by_brute_force(space, space.all_ops, work_score("flops", space)))  # fmt: skip


def test_a_front_of_a_large_space_holds_the_optima():
    front = exact_front(NETS, "flops", "params")
    assert front["flops_m"].is_monotonic_decreasing and front["params"].is_monotonic_decreasing
    for at_most in (8e5, 1e6, 2e6):
        best = optimum(NETS, "flops", {"params": at_most})
        within = front[front["params"] <= at_most]
        assert best.is_proven and best.score == pytest.approx(within["flops_m"].iloc[0], rel=1e-12)


def test_what_does_not_add_up_is_refused(monkeypatch):
    monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 100)
    with pytest.raises(ArchcostError, match="needs a score and a cost that add up"):
        exact_front(MySpace(), "flops", "params")
    monkeypatch.setattr("archcost.search.fronts.MOST_POINTS", 50)
    with pytest.raises(ArchcostError, match="must have at most 50 points"):
        exact_front(NETS, "flops", "params")
