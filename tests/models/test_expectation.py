"""Expected costs against sums over all architectures, sampling, and one-hot distributions."""

import numpy as np
import pytest
import torch
from my_space import MySpace

from archcost.datasets import DEVICES, CostTable
from archcost.errors import ArchcostError, ArchitectureError
from archcost.models import CostModel
from archcost.models.additive_form import AdditiveForm
from archcost.models.expectation import expected_cost
from archcost.models.manifest import Manifest
from archcost.models.table_form import TableForm
from archcost.models.target_scale import TargetScale
from archcost.spaces import SearchSpace, get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")
RNG = np.random.default_rng(0)


def model_of(space, form):
    keys = CostTable.from_costs(space, space.sample(2, seed=0), [1, 2], device="raspi4").keys()
    model = CostModel(None, Manifest(keys[0], DEVICES["raspi4"], "lookup"))
    model._form = form
    return model


def additive(name):
    scale = TargetScale(name, 1.5 if name == "log" else 20.0, 0.3, 0.0)
    return model_of(NETS, AdditiveForm(NETS, RNG.normal(size=(22, 9)), 0.5, scale, 0.01))


@pytest.fixture(scope="module")
def cells():
    return model_of(CELLS, TableForm(CELLS, RNG.lognormal(size=15_625), np.ones(15_625)))


def softmax(shape, seed=1):
    weights = np.exp(np.random.default_rng(seed).normal(size=shape))
    return weights / weights.sum(-1, keepdims=True)


@pytest.mark.parametrize("name", ["linear", "sqrt", "log"])
def test_one_hot_is_predict(name):
    model = additive(name)
    ops = NETS.sample(5, seed=3)
    expected = model.expected_cost(np.eye(9)[ops])
    assert expected == pytest.approx(model.predict(ops), rel=1e-12)


@pytest.mark.parametrize("name", ["linear", "sqrt", "log"])
def test_it_is_the_mean_over_samples(name):
    model = additive(name)
    probabilities = softmax((22, 9))
    rng = np.random.default_rng(2)
    drawn = np.stack([rng.choice(9, size=40_000, p=row) for row in probabilities], axis=1)
    costs = model.predict(drawn)
    error = costs.std() / np.sqrt(len(costs))
    assert model.expected_cost(probabilities) == pytest.approx(costs.mean(), abs=4 * error)


def test_cells_are_summed_over_the_whole_space(cells):
    probabilities = softmax((6, 5))
    of_each = probabilities[np.arange(6), CELLS.all_ops].prod(axis=1)
    expected = float(of_each @ cells.predict(CELLS.all_ops))
    assert cells.expected_cost(probabilities) == pytest.approx(expected, rel=1e-12)
    batch = softmax((2, 3, 6, 5))
    costs = cells.expected_cost(batch)
    assert costs.shape == (2, 3)
    assert costs[1, 2] == pytest.approx(cells.expected_cost(batch[1, 2]), rel=1e-12)


@pytest.mark.parametrize("name", ["linear", "sqrt", "log", "cells"])
def test_gradients_flow(name, cells):
    model = cells if name == "cells" else additive(name)
    shape = (model.space.n_positions, model.space.n_ops)
    weights = torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    cost = model.expected_cost(torch.softmax(weights, dim=-1))
    assert isinstance(cost, torch.Tensor)
    uniform = np.full(shape, 1 / shape[1])
    assert cost.item() == pytest.approx(model.expected_cost(uniform), rel=1e-12)
    assert torch.autograd.gradcheck(
        lambda w: model.expected_cost(torch.softmax(w, dim=-1)), (weights,)
    )


def test_single_precision_stays_single():
    probabilities = torch.full((22, 9), 1 / 9)
    cost = additive("linear").expected_cost(probabilities)
    assert cost.dtype == torch.float32


def test_wrong_probabilities_are_refused(cells):
    with pytest.raises(ArchitectureError, match=r"shape \(\.\.\., 6, 5\), but got \(22, 9\)"):
        cells.expected_cost(np.ones((22, 9)))
    with pytest.raises(ArchitectureError, match="softmax over the last axis"):
        cells.expected_cost(torch.ones(6, 5))
    negative = np.tile([1.5, -0.5, 0, 0, 0], (6, 1))
    for wrong in (negative, torch.tensor(negative), negative.astype(np.float32).tolist()):
        with pytest.raises(ArchitectureError, match=r"from 0 to 1, but the least is -0\.5"):
            cells.expected_cost(wrong)
    for wrong in (np.full((6, 5), np.nan), torch.full((6, 5), torch.nan)):
        with pytest.raises(ArchitectureError, match="from 0 to 1, but the least is nan"):
            cells.expected_cost(wrong)
    for wrong in ("high", [["0.2"] * 5] * 6, np.ones((6, 5), complex), [[1], [1, 2]], None):
        with pytest.raises(ArchitectureError, match="probabilities must be numbers"):
            cells.expected_cost(wrong)
    masked = np.ma.array(np.full((6, 5), 0.2), mask=np.eye(6, 5, dtype=bool))
    with pytest.raises(ArchitectureError, match="some are masked"):
        cells.expected_cost(masked)


def test_whole_numbers_are_probabilities(cells):
    cost = cells.predict([0, 0, 0, 0, 0, 3])
    one_hot = np.eye(5)[[0, 0, 0, 0, 0, 3]]
    for form in (one_hot.astype(int), one_hot.astype(bool), torch.tensor(one_hot).long()):
        assert float(cells.expected_cost(form)) == pytest.approx(cost, rel=1e-12)


def test_a_model_that_is_not_additive_says_so():
    model = model_of(NETS, None)
    model.compile = lambda: None
    with pytest.raises(ArchcostError, match="predictor 'lookup'"):
        model.expected_cost(softmax((22, 9)))


class Free(MySpace):
    """Slots that differ, and no rule on what follows what."""

    name = "free"
    violation = SearchSpace.violation


@pytest.mark.parametrize("kind", ["table", "additive"])
def test_slots_may_differ(kind):
    space = Free()
    table = np.where(space.allowed, RNG.lognormal(size=space.allowed.shape), 0.0)
    costs = 2 + table[np.arange(5), space.all_ops].sum(axis=1)
    if kind == "table":
        form = TableForm(space, costs, costs)
    else:
        form = AdditiveForm(space, table, 2.0, TargetScale("linear", 0.0, 1.0, 0.0), 0.1)
    weights = np.where(space.allowed, softmax(table.shape), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    of_each = weights[np.arange(5), space.all_ops].prod(axis=1)
    assert of_each.sum() == pytest.approx(1)
    assert expected_cost(form, space, weights) == pytest.approx(of_each @ costs, rel=1e-12)
    with pytest.raises(ArchitectureError, match="0 where an op is not allowed, but that of"):
        expected_cost(form, space, softmax(table.shape))


def test_rules_on_combinations_are_refused():
    space = MySpace()
    weights = space.allowed / space.allowed.sum(axis=1, keepdims=True)
    form = TableForm(space, np.ones(space.n_archs), np.ones(space.n_archs))
    with pytest.raises(ArchcostError, match="every combination of ops is valid, but my_space"):
        expected_cost(form, space, weights)
