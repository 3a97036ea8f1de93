"""Agreement of devices against scipy, also where they share only some architectures."""

import numpy as np
import pytest
import scipy.stats

from archcost.analysis.agreement import clustered, cost_frame, device_agreement
from archcost.datasets import CostTable
from archcost.errors import CostTableError
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
OPS = SPACE.sample(40, seed=0)
RNG = np.random.default_rng(1)
COSTS = {"a": RNG.lognormal(size=40), "c": RNG.lognormal(size=40)}
COSTS["b"] = COSTS["a"] * RNG.lognormal(sigma=0.2, size=40)


@pytest.fixture
def table():
    return CostTable.concat([
        CostTable.from_costs(SPACE, OPS[start:], cost[start:], device=device)
        for (device, cost), start in zip(COSTS.items(), (0, 0, 10), strict=True)
    ])  # fmt: skip


def key(device):
    return f"nasbench201-{device}-latency-cifar10"


def test_the_frame_has_a_column_a_key(table):
    frame = cost_frame(table)
    assert frame.shape == (40, 3)
    assert frame[key("b")].isna().sum() == 10
    assert frame.loc[SPACE.format(OPS[20]), key("c")] == COSTS["c"][20]


def test_correlations_are_over_shared_architectures(table):
    matrix = device_agreement(table)
    assert (np.diag(matrix) == 1).all()
    assert matrix.loc[key("a"), key("c")] == pytest.approx(
        scipy.stats.spearmanr(COSTS["a"], COSTS["c"])[0]
    )
    assert matrix.loc[key("b"), key("c")] == pytest.approx(
        scipy.stats.spearmanr(COSTS["b"][10:], COSTS["c"][10:])[0]
    )


def test_devices_that_agree_stand_side_by_side(table):
    order = clustered(device_agreement(table))
    assert sorted(order) == sorted(map(key, "abc"))
    assert abs(order.index(key("a")) - order.index(key("b"))) == 1
    two = device_agreement(table, table.keys()[:2])
    assert clustered(two) == list(two.index)


def test_keys_of_two_spaces_share_nothing(table):
    nets = get_space("fbnet").sample(4, seed=0)
    both = CostTable.concat([table, CostTable.from_costs("fbnet", nets, [1, 2, 3, 4], device="a")])
    with pytest.raises(CostTableError, match="must be of one search space"):
        device_agreement(both)
