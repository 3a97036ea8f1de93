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
NETS = BLOCKS.sample(200, seed=5)


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


def test_few_measurements_leave_the_extrapolation_as_it_is():
    """Where launches hide the work at the small size, three noisy costs must not undo physics."""
    work = {name: priced_work(BLOCKS, name, NETS) for name in ("cifar100", "ImageNet")}
    prices = np.where(np.arange(work["cifar100"].shape[1]) < 1, 0.5, 0.0)
    prices[1::3], prices[2::3] = 0.05, 0.01  # ms for a launch, and for 1e6 FLOPs
    known = KnownCosts.of(BLOCKS, lambda ops: priced_work(BLOCKS, "cifar100", ops) @ prices)
    noise = np.random.default_rng(0).standard_normal(len(NETS))
    truth = work["ImageNet"] @ prices * np.exp(0.05 * noise)
    made = RescaledPredictor(dataset="ImageNet").with_source(known, "cifar100")
    alone = made.extrapolate(BLOCKS).predict(NETS)
    after_three = made.fit(NETS[:3], truth[:3], space=BLOCKS).predict(NETS)
    assert spearman(known(NETS), truth) < spearman(alone, truth) - 0.05
    assert spearman(after_three, truth) > spearman(alone, truth) - 0.01


def test_measurements_that_scatter_weigh_less():
    costs = device(0.5, [0, 1.0, 4.0, 1.5])
    known = KnownCosts.of(CELLS, lambda ops: costs(ops, 1.0))
    truth, share = costs(OPS, 0.25), np.tile([0.005, 0.12], 6)
    errors = {"given": [], "unknown": []}
    for seed in range(4):
        rows = np.random.default_rng(seed).permutation(len(OPS))[:12]
        std = share * truth[rows]
        measured = truth[rows] + std * np.random.default_rng(seed + 10).standard_normal(12)
        for name, stds in (("given", std), ("unknown", np.full(12, np.nan))):
            made = RescaledPredictor(dataset=SMALL).with_source(known, "cifar10")
            made.fit(OPS[rows], measured, space=CELLS, cost_std=stds)
            errors[name].append(np.median(np.abs(made.predict(OPS) / truth - 1)))
    assert np.mean(errors["given"]) < np.mean(errors["unknown"])


def test_more_classes_alone_cost_next_to_nothing_more():
    """The classifier's work is the same in all cells: what a run costs is not put down to it."""
    known = KnownCosts.of(CELLS, lambda ops: 4 + counts(ops) @ [0, 0.1, 0.5, 0.2])
    many = Dataset("many_classes", (3, 32, 32), 120)
    made = RescaledPredictor(dataset=many.id).with_source(known, "cifar10").extrapolate(CELLS)
    np.testing.assert_allclose(made.predict(OPS), known(OPS), rtol=0.02)


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
