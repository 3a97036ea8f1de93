"""Cost models: predict, save, load, integrity, pickling."""

import json
import pickle

import numpy as np
import pytest

from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchcostError, ArchitectureError, IntegrityError, MissingDataError
from archcost.models import CostModel, Manifest
from archcost.predictors import PREDICTORS
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")


def fitted(space, predictor="lookup", n=80, seed=0):
    """Return a model of costs that are a sum over positions, and that cost of any ops."""
    rng = np.random.default_rng(seed)
    table = rng.uniform(0.1, 1.0, size=(space.n_positions, space.n_ops))

    def true_ms(ops):
        return 1.0 + table[np.arange(space.n_positions), ops].sum(axis=1)

    ops = space.sample(n, seed=seed)
    estimator = PREDICTORS[predictor](seed=seed).fit(ops, true_ms(ops))
    key = CostKey(space.name, "my_board", "latency", space.default_dataset)
    manifest = Manifest(key, DeviceCard("my_board", "my board"), predictor, estimator.get_params())
    return CostModel(estimator, manifest), true_ms


@pytest.mark.parametrize("space", [CELLS, NETS], ids=["nasbench201", "fbnet"])
def test_predict_follows_the_contract(space):
    model, true_ms = fitted(space, n=400)
    ops = space.sample(7, seed=1)
    costs = model.predict(ops)
    assert costs.shape == (7,) and costs.dtype == np.float64
    np.testing.assert_allclose(costs, true_ms(ops), rtol=1e-3)
    for form in (ops[0], ops[0].tolist(), tuple(ops[0].tolist()), space.format(ops[0])):
        cost = model.predict(form)
        assert type(cost) is float and cost == costs[0]
    np.testing.assert_array_equal(model.predict(space.format_many(ops)), costs)
    means, stds = model.predict(ops, return_std=True)
    assert means.shape == stds.shape == (7,) and (stds >= 0).all()
    mean, std = model.predict(ops[0], return_std=True)
    assert type(mean) is type(std) is float
    assert model.predict(ops[:0]).shape == (0,)
    assert (model.unit, model.key.device) == ("ms", "my_board")


@pytest.mark.parametrize("space", [CELLS, NETS], ids=["nasbench201", "fbnet"])
@pytest.mark.parametrize("predictor", ["lookup", "ridge", "xgboost", "lightgbm", "gp"])
def test_compiled_and_loaded_models_answer_like_the_predictor(space, predictor, tmp_path):
    model, _ = fitted(space, predictor)
    ops = space.sample(300, seed=2)
    expected, expected_std = model.predictor.predict(ops, return_std=True)
    loaded = CostModel.load(model.save(tmp_path / "model"))
    for each in (model, loaded, pickle.loads(pickle.dumps(loaded))):
        mean, std = each.predict(ops, return_std=True)
        np.testing.assert_allclose(mean, expected, rtol=1e-9)
        np.testing.assert_allclose(std, expected_std, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(loaded.predictor.predict(ops), expected, rtol=1e-12)
    assert loaded.manifest.key == model.key
    assert loaded.manifest.files.keys() >= {"weights.npz"} or predictor in ("xgboost", "lightgbm")


def test_published_indices_are_only_for_cells():
    model, _ = fitted(CELLS)
    indices = np.array([0, 15624, 7])
    np.testing.assert_array_equal(
        model.predict_index(indices), model.predict(CELLS.all_ops[indices])
    )
    for wrong in ([-1], [15625]):
        with pytest.raises(ArchitectureError, match="ind"):
            model.predict_index(wrong)
    with pytest.raises(ArchitectureError, match="integers"):
        model.predict_index([0.5])
    with pytest.raises(ArchitectureError, match="use predict"):
        fitted(NETS)[0].predict_index(indices)


def test_a_flat_list_of_ints_is_one_architecture():
    model, _ = fitted(CELLS)
    assert type(model.predict([3, 0, 1, 0, 0, 2])) is float
    with pytest.raises(ArchitectureError, match="6 ops"):
        model.predict([3, 0, 1])


@pytest.mark.parametrize("wrong", [True, -1, 1.0, "none|"])
def test_wrong_ops_are_refused_in_scalars_and_batches(wrong):
    for space in (CELLS, NETS):
        model, _ = fitted(space)
        model.compile()
        arch = [0] * (space.n_positions - 1) + [wrong]
        with pytest.raises(ArchitectureError):
            model.predict(arch)
        with pytest.raises(ArchitectureError):
            model.predict([arch])


def test_intervals_are_log_normal_quantiles():
    from scipy.stats import lognorm

    model, _ = fitted(CELLS, "gp")
    ops = CELLS.sample(5, seed=3)
    means, stds = model.predict(ops, return_std=True)
    bounds = model.predict_interval(ops, 0.8)
    assert bounds.shape == (5, 2)
    for mean, std, (low, high) in zip(means, stds, bounds, strict=True):
        sigma = np.sqrt(np.log1p((std / mean) ** 2))
        expected = lognorm(sigma, scale=mean * np.exp(-(sigma**2) / 2))
        assert expected.mean() == pytest.approx(mean) and expected.std() == pytest.approx(std)
        assert expected.cdf(low) == pytest.approx(0.1) and expected.cdf(high) == pytest.approx(0.9)
    assert model.predict_interval(ops[0]).shape == (2,)
    with pytest.raises(ArchcostError, match="between 0 and 1"):
        model.predict_interval(ops, 90)


@pytest.mark.parametrize("name", ["manifest.json", "weights.npz", "compiled.npz"])
def test_a_changed_byte_is_noticed(name, tmp_path):
    folder = fitted(CELLS)[0].save(tmp_path / "model")
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=name):
        CostModel.load(folder)


def test_a_missing_file_or_model_is_named(tmp_path):
    folder = fitted(CELLS)[0].save(tmp_path / "model")
    (folder / "weights.npz").unlink()
    with pytest.raises(IntegrityError, match=r"missing.*weights\.npz"):
        CostModel.load(folder)
    with pytest.raises(MissingDataError, match="archcost train"):
        CostModel.load(tmp_path / "nothing")


def test_a_later_format_is_refused(tmp_path):
    folder = fitted(CELLS)[0].save(tmp_path / "model")
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(IntegrityError, match="upgrade archcost"):
        CostModel.load(folder)


def test_saving_replaces_a_model_but_nothing_else(tmp_path):
    model, _ = fitted(CELLS)
    folder = model.save(tmp_path / "model")
    model.save(folder)
    assert CostModel.load(folder).key == model.key
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("precious")
    with pytest.raises(FileExistsError, match="choose another folder"):
        model.save(tmp_path / "other")
    assert (tmp_path / "other" / "thesis.txt").read_text() == "precious"
