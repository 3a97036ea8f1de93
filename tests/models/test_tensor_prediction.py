"""Predictions of op ids in torch tensors are those of arrays, where the tensor is."""

import numpy as np
import pytest
import torch
from my_space import MySpace

import archcost
from archcost.datasets import DEVICES, CostKey
from archcost.errors import ArchitectureError
from archcost.models import CostModel, Manifest
from archcost.models.additive_form import AdditiveForm
from archcost.models.posterior_form import PosteriorForm
from archcost.models.target_scale import TargetScale
from archcost.models.tensor_prediction import check_tensor, on_device
from archcost.predictors import PREDICTORS
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")
RNG = np.random.default_rng(0)
PLACES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU")
    ),
]


def model_of(form):
    key = CostKey("fbnet", "raspi4", "latency", "cifar100")
    model = CostModel(None, Manifest(key, DEVICES["raspi4"], "lookup"))
    model._form = form
    return model


def additive(scale):
    table = RNG.uniform(0.0, 0.3, size=(22, 9))
    return model_of(AdditiveForm(NETS, table, 0.1, TargetScale(scale, 0.5, 0.7, 1.5), 0.05))


def posterior():
    table, roots = RNG.uniform(0.0, 0.3, size=(22, 9)), RNG.normal(size=(22, 9, 3))
    return model_of(PosteriorForm(NETS, table, 0.1, roots, np.ones(3), 0.1, 3.2))


def networks():
    ops = NETS.sample(200, seed=0)
    fitted = PREDICTORS["mlp"](n_members=2, max_epochs=3, width=16).fit(
        ops, 1.0 + ops.sum(axis=1) / 20
    )
    key = CostKey("fbnet", "raspi4", "latency", "cifar100")
    return CostModel(fitted, Manifest(key, DEVICES["raspi4"], "mlp"))


MODELS = {
    "linear": lambda: additive("linear"),
    "sqrt": lambda: additive("sqrt"),
    "log": lambda: additive("log"),
    "posterior": posterior,
    "table": lambda: archcost.load("raspi4", space="nasbench201"),
    "networks": networks,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", MODELS)
def test_tensors_are_predicted_as_arrays(name, place):
    model = MODELS[name]()
    ops = model.space.sample(500, seed=1)
    tensor = torch.from_numpy(ops).to(place)
    means, stds = model.predict(ops, return_std=True)
    rtol = 1e-5 if name == "networks" else 1e-12
    there = on_device(model.compile(), tensor)  # on the CPU the prediction takes another way
    np.testing.assert_allclose(there.cpu().numpy(), means, rtol=rtol)
    found = model.predict(tensor)
    assert found.device == tensor.device and found.dtype == torch.float64
    np.testing.assert_allclose(found.cpu().numpy(), means, rtol=rtol)
    one = model.predict(tensor[3])
    assert one.shape == () and float(one) == pytest.approx(means[3], rel=rtol)
    both = model.predict(tensor.int(), return_std=True)
    assert all(part.device == tensor.device for part in both)
    np.testing.assert_allclose(torch.stack(both).cpu().numpy(), [means, stds], rtol=rtol)


@pytest.mark.parametrize("place", PLACES)
def test_wrong_tensors_are_refused(place):
    model = additive("linear")
    for refuse in (model.predict, lambda tensor: check_tensor(NETS, tensor)):
        with pytest.raises(ArchitectureError):
            refuse(torch.zeros(3, 21, dtype=torch.int8, device=place))
        with pytest.raises(ArchitectureError):
            refuse(torch.zeros(3, 22, device=place))
        wrong = torch.zeros(3, 22, dtype=torch.int8, device=place)
        for op in (-1, 9):
            wrong[2, 4] = op
            with pytest.raises(ArchitectureError, match=f"between 0 and 8, but got {op}"):
                refuse(wrong)
    space = MySpace()
    ops = torch.from_numpy(space.sample(9, seed=0)).to(place)
    check_tensor(space, ops)
    ops[3, 1] = 0  # a resolution where a block belongs
    with pytest.raises(ArchitectureError, match="op of my_space at position 'block1'"):
        check_tensor(space, ops)


@pytest.mark.parametrize("place", PLACES)
def test_expected_costs_stay_on_the_device(place):
    model = additive("log")
    weights = torch.randn(22, 9, dtype=torch.float64).to(place).requires_grad_()
    cost = model.expected_cost(torch.softmax(weights, dim=-1))
    cost.backward()
    assert cost.device == weights.device and bool(weights.grad.abs().sum() > 0)
    plain = model.expected_cost(torch.softmax(weights, dim=-1).detach().cpu().numpy())
    assert cost.item() == pytest.approx(float(plain), rel=1e-12)
