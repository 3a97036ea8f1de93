"""A known device on another dataset: made-up devices of which the truth is known."""

import numpy as np
import pytest

from archcost.features.resized_work import find_prices, priced_work
from archcost.predictors import RescaledPredictor
from archcost.predictors.known_costs import KnownCosts
from archcost.spaces import SPACES, Dataset
from archcost.training.metrics import spearman

CELLS, BLOCKS = SPACES["nasbench201"], SPACES["fbnet"]
SMALL = "ImageNet16-120"
OPS = CELLS.sample(400, seed=5)


def counts(ops):
    return np.stack([(ops == op).sum(axis=1) for op in range(1, 5)], axis=1)


def device(launch_ms, rates_ms):
    """Return the costs of a device that launches ops and runs them at rates of their own."""
    rates = np.array(rates_ms)

    def costs(ops, share):
        return 2 + counts(ops) @ (launch_ms * (rates > 0) + share * rates)

    return costs


@pytest.mark.parametrize("launch_ms", [3.0, 0.5, 0.0])
def test_three_measurements_do(launch_ms):
    costs = device(launch_ms, [0, 1.0, 4.0, 1.5])
    known = KnownCosts.of(CELLS, lambda ops: costs(ops, 1.0))
    truth = costs(OPS, 0.25)
    made = RescaledPredictor(dataset=SMALL).with_source(known, "cifar10")
    made.fit(OPS[:3], truth[:3], space=CELLS)
    assert spearman(truth[10:], made.predict(OPS[10:])) > 0.985
    made.fit(OPS[:10], truth[:10], space=CELLS)
    mean, std = made.predict(OPS[10:], return_std=True)
    assert spearman(truth[10:], mean) > 0.995
    assert np.median(np.abs(mean / truth[10:] - 1)) < 0.03
    assert 0.75 < np.mean(np.abs(mean - truth[10:]) < 1.645 * std) <= 1


def test_nothing_but_work_is_extrapolated_by_the_pixels():
    """All work of a cell network but the classifier's is in proportion to the pixels."""
    work = priced_work(CELLS, "cifar10", OPS)
    flops = np.zeros(work.shape[1])
    flops[2] = 0.1  # ms for 1e6 FLOPs of convolutions
    cost = work @ flops
    np.testing.assert_allclose(work @ find_prices(work, cost), cost, rtol=0.1)
    known = KnownCosts.of(CELLS, lambda ops: priced_work(CELLS, "cifar10", ops) @ flops)
    large = Dataset("large", (3, 64, 64), 10)
    made = RescaledPredictor(dataset=large.id).with_source(known, "cifar10").extrapolate(CELLS)
    mean, std = made.predict(OPS, return_std=True)
    assert np.median(mean / cost) == pytest.approx(4, rel=0.25)
    assert spearman(mean, cost) > 0.99
    assert (std > 0.5 * mean).all()


def test_known_costs_are_listed_or_summed():
    listed = KnownCosts.of(CELLS, lambda ops: 1.0 + ops.sum(axis=1))
    np.testing.assert_array_equal(listed(OPS), 1.0 + OPS.sum(axis=1))
    assert len(listed.table) == 0
    summed = KnownCosts.of(BLOCKS, lambda ops: 5.0 + ops[:, 3] + 2.0 * (ops[:, 7] == 4))
    nets = BLOCKS.sample(20, seed=9)
    assert len(summed.listed) == 0
    np.testing.assert_allclose(summed(nets), 5.0 + nets[:, 3] + 2.0 * (nets[:, 7] == 4), rtol=1e-3)
    again = KnownCosts.restore(BLOCKS, summed.state())
    np.testing.assert_array_equal(again(nets), summed(nets))
