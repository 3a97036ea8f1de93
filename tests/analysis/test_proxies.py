"""Proxy costs against whole networks, their correlations against scipy."""

import numpy as np
import pytest
import scipy.stats
from my_space import MySpace

from archcost.analysis import proxy_correlations, proxy_costs
from archcost.datasets import CostKey, CostTable
from archcost.spaces import get_space


@pytest.mark.parametrize(
    ("space", "dataset"),
    [
        ("nasbench201", None),
        ("nasbench201", "ImageNet16-120"),
        ("fbnet", "ImageNet"),
        (MySpace(), "maps"),  # not additive
    ],
)
def test_they_are_those_of_the_whole_network(space, dataset):
    space = get_space(space)
    ops = space.sample(8, seed=2)
    costs = proxy_costs(space, ops, dataset)
    for row, arch in enumerate(ops):
        whole = space.workload(arch, dataset)
        assert costs["flops"][row] == whole.flops / 1e6
        assert costs["params"][row] == whole.params / 1e6
        assert costs["activations"][row] == whole.activation_bytes / 1e6


def test_any_form_of_architectures_is_taken():
    space = get_space("nasbench201")
    ops = space.sample(3, seed=0)
    expected = proxy_costs(space, ops)["flops"].tolist()
    assert proxy_costs(space, space.format_many(ops))["flops"].tolist() == expected
    assert proxy_costs(space, ops.tolist())["flops"].tolist() == expected


def test_correlations_are_scipys():
    space = get_space("nasbench201")
    ops = space.sample(60, seed=0)
    noise = np.random.default_rng(0).lognormal(sigma=0.5, size=60)
    proxies = proxy_costs(space, ops)
    table = CostTable.from_costs(space, ops, proxies["flops"] * noise, device="board")
    frame = proxy_correlations(table).set_index("proxy")
    _, cost = table.costs(table.keys()[0])
    for name, x in proxies.items():
        assert frame.loc[name, "spearman"] == pytest.approx(scipy.stats.spearmanr(cost, x)[0])
        assert frame.loc[name, "kendall"] == pytest.approx(scipy.stats.kendalltau(cost, x)[0])
        assert frame.loc[name, "pearson"] == pytest.approx(scipy.stats.pearsonr(cost, x)[0])
    assert set(frame["n_archs"]) == {60}


def test_real_correlations_are_as_low_as_the_paper_says(real_tables):
    from archcost.datasets.source_help import parse

    key = CostKey("nasbench201", "eyeriss", "latency", "cifar10")
    frame = proxy_correlations(parse(real_tables / "help"), [key]).set_index("proxy")
    assert frame.loc["flops", "spearman"] == pytest.approx(0.5428, abs=1e-3)
