"""Exactness of the per-op table where the published costs are sums."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from archcost.datasets import CostKey
from archcost.datasets.source_help import HELP
from archcost.predictors import LookupPredictor


@pytest.fixture(scope="module")
def published(real_tables):
    return HELP.parse(real_tables / "help")


@pytest.mark.parametrize(
    ("space", "dataset", "device", "n"),
    [
        ("nasbench201", "cifar10", "eyeriss", 50),
        ("nasbench201", "cifar10", "fpga", 50),
        ("fbnet", "cifar100", "eyeriss", 500),
        ("fbnet", "cifar100", "fpga", 500),
        ("fbnet", "cifar100", "pixel3", 500),
        ("fbnet", "cifar100", "raspi4", 500),
    ],
)
def test_ranks_are_exact_where_costs_are_additive(published, space, dataset, device, n):
    ops, cost_ms = published.costs(CostKey(space, device, "latency", dataset))
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(len(ops))
        model = LookupPredictor().fit(ops[rows[:n]], cost_ms[rows[:n]])
        guess = np.round(model.predict(ops[rows[n:]]), 9)
        rank = spearmanr(guess, np.round(cost_ms[rows[n:]], 9)).statistic
        assert round(rank, 4) == 1.0


def test_the_table_holds_what_each_op_costs():
    table = np.array([[1.0, 2, 3, 4, 5], [2.0, 2, 4, 4, 6]]).repeat(3, axis=0)
    ops = np.random.default_rng(0).integers(5, size=(300, 6))
    cost_ms = 1.5 + table[np.arange(6), ops].sum(axis=1)
    model = LookupPredictor().fit(ops, cost_ms)
    differences = model.table_ - model.table_[:, :1]
    np.testing.assert_allclose(differences, table - table[:, :1], atol=1e-6)
    np.testing.assert_allclose(model.predict(ops), cost_ms, rtol=1e-8)


def test_networks_far_cheaper_than_any_seen_stay_exact(published):
    ops, cost_ms = published.costs(CostKey("fbnet", "raspi4", "latency", "cifar100"))
    model = LookupPredictor().fit(ops, cost_ms)
    all_skip = np.full((1, 22), 8)
    additive = model.intercept_ + model.table_[np.arange(22), 8].sum()
    assert additive < cost_ms.min() / 2
    np.testing.assert_allclose(model.predict(all_skip), additive)
