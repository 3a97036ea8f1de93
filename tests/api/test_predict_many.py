"""Several costs at once: the same bits as one by one."""

import numpy as np
import pytest

import archcost
from archcost import prediction
from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchitectureError, UnknownNameError
from archcost.models import CostModel, Manifest, predict_many
from archcost.models.chunks import CHUNK
from archcost.predictors import PREDICTORS
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")
# On FBNet xgboost has no compiled form; the others have different ones.
KINDS = {
    "nasbench201": ("lookup", "ridge", "lookup"),
    "fbnet": ("xgboost", "lookup", "gp", "ridge", "mlp"),
}


def make_models(space):
    models = []
    for place, name in enumerate(KINDS[space.name]):
        ops = space.sample(60, seed=place)
        cost = 1.0 + ops @ np.linspace(0.1, 1.0 + place, space.n_positions) ** 1.5
        params = {"max_epochs": 2, "width": 8} if name == "mlp" else {}
        predictor = PREDICTORS[name](**params).fit(ops, cost)
        device = f"board_{place}"
        key = CostKey(space.name, device, "latency", space.default_dataset)
        manifest = Manifest(key, DeviceCard(device, device), name, predictor.get_params())
        models.append(CostModel(predictor, manifest))
    return models


@pytest.fixture(scope="module", params=[CELLS, NETS], ids=["nasbench201", "fbnet"])
def models(request):
    return make_models(request.param)


def test_columns_are_the_models_own_predictions(models):
    space = models[0].space
    for n_archs in (1, 50, CHUNK + 9):
        ops = np.random.default_rng(0).integers(
            space.n_ops, size=(n_archs, space.n_positions), dtype=np.int8
        )
        costs = predict_many(ops, models)
        assert costs.shape == (n_archs, len(models)) and costs.dtype == np.float64
        for column, model in zip(costs.T, models, strict=True):
            np.testing.assert_array_equal(column, model.predict(ops))
        np.testing.assert_array_equal(predict_many(ops, models[::-1]), costs[:, ::-1])


def test_one_architecture_gives_one_row(models):
    arch = models[0].space.sample(1)[0]
    expected = [model.predict(arch) for model in models]
    for form in (arch, arch.tolist(), models[0].space.format(arch)):
        assert predict_many(form, models).tolist() == expected
    assert predict_many(arch[None][:0], models).shape == (0, len(models))


def test_what_does_not_fit_is_refused():
    models = make_models(CELLS)
    with pytest.raises(UnknownNameError, match="one search space"):
        predict_many(CELLS.all_ops[:2], [])
    with pytest.raises(UnknownNameError, match=r"\['fbnet', 'nasbench201'\]"):
        predict_many(CELLS.all_ops[:2], [models[0], make_models(NETS)[1]])
    with pytest.raises(ArchitectureError):
        predict_many([[0, 0, 0, 0, 0, -1]], models)


def test_by_names_of_devices(models, tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    monkeypatch.setattr(prediction, "_models", {})
    for model in models:
        model.save(tmp_path / str(model.key))
    devices = [model.key.device for model in models]
    ops = models[0].space.sample(5, seed=9)
    costs = archcost.predict_many(ops, devices)
    np.testing.assert_array_equal(costs[:, 1], archcost.predict(ops, devices[1]))
    repeated = archcost.predict_many(ops, [devices[0]] * 2, ["latency", "latency"])
    np.testing.assert_array_equal(repeated, costs[:, [0, 0]])
    assert archcost.predict_many(ops[0], devices[0]).tolist() == [costs[0, 0]]
    assert archcost.pareto_front(costs).any()
    with pytest.raises(UnknownNameError, match="did you mean 'board_1'"):
        archcost.predict_many(ops, ["board_1", "bord_1"])
    with pytest.raises(ValueError, match="2 devices and 3 metrics"):
        archcost.predict_many(ops, devices[:2], ["latency"] * 3)
    with pytest.raises(ValueError, match="0 devices"):
        archcost.predict_many(ops, [])
    with pytest.raises(UnknownNameError, match="devices must be a list of names"):
        archcost.predict_many(ops, np.array("board_1"))
