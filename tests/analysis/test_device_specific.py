"""Fronts placed on other devices: known numbers, and hypervolumes against counting cells."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archcost.analysis import placed_fronts
from archcost.analysis.device_specific import front_rows, hypervolume, shared_costs
from archcost.datasets import CostTable
from archcost.errors import CostTableError
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
ARCHS = SPACE.format_many(SPACE.sample(5, seed=0))
ACCURACY = pd.Series([50.0, 60.0, 70.0, 65.0, 72.0], index=ARCHS, name="accuracy")


def key(device):
    return f"nasbench201-{device}-latency-cifar10"


@pytest.fixture
def table():
    return CostTable.concat([
        CostTable.from_costs(SPACE, ARCHS, [1, 2, 3, 4, 5], device="rising"),
        CostTable.from_costs(SPACE, ARCHS, [5, 4, 3, 1, 2], device="other"),
    ])  # fmt: skip


def test_fronts_and_losses(table):
    placed = placed_fronts(table, ACCURACY).set_index(["searched_on", "placed_on"])
    # The front of `other`: the fourth (1 ms, 65) and the fifth (2 ms, 72).
    there = placed.loc[(key("other"), key("rising"))]
    assert there["n_front"] == 2
    assert there["still_optimal"] == 0.5
    # The own front of `rising`, 1, 2, 3 and 5 ms, at which the placed one has -, -, -, 72.
    assert there["unmet"] == 0.75
    assert there["regret"] == 0.0
    assert there["hypervolume_lost"] == pytest.approx(1 - 15 / (10 + 2 * 20))
    back = placed.loc[(key("rising"), key("other"))]
    assert back["unmet"] == 0.5
    assert back["hypervolume_lost"] == pytest.approx(1 - 3 * 22 / (15 + 3 * 22))
    for device in ("rising", "other"):
        own = placed.loc[(key(device), key(device))]
        assert (own[["regret", "regret_max", "hypervolume_lost", "unmet"]] == 0).all()
        assert own["still_optimal"] == 1


def test_regret_is_at_equal_budgets(table):
    cheap = CostTable.from_costs(SPACE, ARCHS, [1, 2, 2.5, 9, 8], device="third")
    accuracy = ACCURACY.copy()
    accuracy.iloc[0] = 66.0
    placed = placed_fronts(CostTable.concat([table, cheap]), accuracy)
    row = placed.set_index(["searched_on", "placed_on"]).loc[(key("other"), key("third"))]
    # Own budgets 1, 2.5 and 8 ms offer 66, 70 and 72; the fourth (9 ms) and fifth (8 ms) give 72.
    assert (row["unmet"], row["regret"], row["regret_max"]) == (pytest.approx(2 / 3), 0.0, 0.0)


def test_too_few_shared_architectures_are_refused(table):
    with pytest.raises(CostTableError, match="1 of 1 do"):
        shared_costs(table, ACCURACY[:1])


def test_front_rows_rise_in_cost():
    cost = np.array([3.0, 1.0, 2.0, 2.0])
    score = np.array([9.0, 5.0, 7.0, 6.0])
    assert front_rows(cost, score).tolist() == [1, 2, 0]


@given(st.integers(0, 10_000))
def test_hypervolume_counts_the_dominated_cells(seed):
    rng = np.random.default_rng(seed)
    cost, score = rng.integers(12, size=(2, 8)).astype(float)
    cells = sum(
        any(cost[i] <= x and score[i] >= y + 1 for i in range(8))
        for x in range(10)
        for y in range(1, 11)
    )
    assert hypervolume(cost, np.minimum(score, 11), worst_cost=10, worst_score=1) == cells
