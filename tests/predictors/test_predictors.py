"""One contract for all predictors."""

import json
import pickle

import numpy as np
import pytest
from more_spaces import OtherChain
from my_space import MySpace
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from archcost.errors import ArchitectureError, CostTableError
from archcost.predictors import PREDICTORS, RidgePredictor
from archcost.spaces import SPACES, FBNet, NASBench201

CELLS, CHAINS, MINE = NASBench201(), FBNet(), MySpace()
EVERY_SPACE = pytest.mark.parametrize("space", [CELLS, CHAINS, MINE], ids=lambda space: space.name)
NEURAL = ("mlp", "gnn")


@pytest.fixture(params=PREDICTORS)
def name(request):
    return request.param


def make(name, **params):
    """Return a predictor that trains quickly."""
    quick = {"max_epochs": 3} if name in NEURAL else {}
    return PREDICTORS[name](**quick, **params)


def data(space, n, seed=0):
    """Return architectures and costs that depend on them, with a little noise."""
    rng = np.random.default_rng(seed)
    table = np.linspace(0.0, 2.0, space.n_ops) * np.linspace(1, 2, space.n_positions)[:, None]
    ops = space.sample(n, seed=seed)
    cost = 0.5 + table[np.arange(space.n_positions), ops].sum(axis=1)
    return ops, cost * rng.uniform(0.98, 1.02, n)


@pytest.fixture(scope="module")
def fitted():
    """Return fitted predictors by name and space, each made once."""
    made = {}

    def get(name, space):
        if (name, space.name) not in made:
            made[name, space.name] = make(name).fit(*data(space, 60), space=space)
        return made[name, space.name]

    return get


@EVERY_SPACE
def test_predicts_positive_finite_costs_and_deviations(name, space, fitted):
    ops, _ = data(space, 40, seed=1)
    model = fitted(name, space)
    mean, std = model.predict(ops, return_std=True)
    for values in (mean, std):
        assert values.dtype == np.float64
        assert values.shape == (40,)
        assert np.isfinite(values).all()
        assert (values > 0).all()
    np.testing.assert_array_equal(model.predict(ops), mean)
    assert model.space_ == space


def test_learns(name, fitted):
    ops, cost = data(CELLS, 200, seed=2)
    # These costs count ops that lead nowhere, too, which `kernels` leaves out as runtimes do.
    assert fitted(name, CELLS).score(ops, cost) > (0.65 if name == "kernels" else 0.8)


def test_clones_and_refits_to_the_same_numbers(name, fitted):
    model = fitted(name, CELLS)
    again = clone(model)
    assert not hasattr(again, "space_")
    assert again.get_params() == model.get_params()
    new = CELLS.sample(30, seed=7)
    np.testing.assert_array_equal(again.fit(*data(CELLS, 60)).predict(new), model.predict(new))


def test_constructors_only_store(name):
    model = PREDICTORS[name]()
    assert set(vars(model)) == set(model.get_params())
    assert json.loads(json.dumps(model.get_params())).keys() == model.get_params().keys()
    assert PREDICTORS[name](seed=3).seed == 3


def test_global_generators_stay_untouched(name):
    import torch

    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    before = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    make(name).fit(*data(CELLS, 30)).predict(CELLS.sample(3))
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert (torch.random.get_rng_state() == before[1]).all()


def test_order_of_the_rows_does_not_matter(name, fitted):
    ops, cost = data(CELLS, 60)
    order = np.random.default_rng(3).permutation(60)
    shuffled = make(name).fit(ops[order], cost[order])
    new = CELLS.sample(30, seed=7)
    np.testing.assert_array_equal(shuffled.predict(new), fitted(name, CELLS).predict(new))


@EVERY_SPACE
def test_batches_equal_singles(name, space, fitted):
    model = fitted(name, space)
    new = space.sample(12, seed=8)
    together, deviations = model.predict(new, return_std=True)
    single = [model.predict([arch], return_std=True) for arch in new]
    rtol = 1e-5 if name == "gnn" else 1e-9  # its networks are evaluated in single precision
    np.testing.assert_allclose(together, [mean[0] for mean, _ in single], rtol=rtol)
    np.testing.assert_allclose(deviations, [std[0] for _, std in single], rtol=max(rtol, 1e-7))


def test_every_form_of_an_architecture_gives_the_same(name, fitted):
    model = fitted(name, CELLS)
    new = CELLS.sample(4, seed=9)
    expected = model.predict(new)
    np.testing.assert_array_equal(model.predict(CELLS.format_many(new)), expected)
    np.testing.assert_array_equal(model.predict(new.tolist()), expected)
    from_text = make(name).fit(CELLS.format_many(data(CELLS, 60)[0]), data(CELLS, 60)[1])
    np.testing.assert_array_equal(from_text.predict(new), expected)


@EVERY_SPACE
def test_saves_and_loads_without_pickle(name, space, fitted, tmp_path):
    model = fitted(name, space)
    model.save_weights(tmp_path)
    suffixes = {file.suffix for file in tmp_path.iterdir()}
    assert suffixes <= {".npz", ".safetensors", ".ubj", ".txt"}
    params = json.loads(json.dumps(model.get_params()))
    loaded = PREDICTORS[name](**params).load_weights(tmp_path, space)
    new = space.sample(20, seed=10)
    for one, other in zip(
        model.predict(new, return_std=True), loaded.predict(new, return_std=True), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_pickles(name, fitted):
    model = fitted(name, CELLS)
    new = CELLS.sample(5, seed=11)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(new), model.predict(new))


def test_works_in_cross_validation_and_grid_search(name):
    ops, cost = data(CELLS, 60)
    scores = cross_val_score(make(name), CELLS.format_many(ops), cost, cv=3)
    assert (scores > 0).all()
    search = GridSearchCV(make(name), {"seed": [0, 1]}, cv=2).fit(ops, cost)
    assert search.predict(ops[:3]).shape == (3,)


def test_unfitted_predictors_say_so(name, tmp_path):
    with pytest.raises(NotFittedError):
        PREDICTORS[name]().predict([[0] * 6])
    with pytest.raises(NotFittedError):
        PREDICTORS[name]().save_weights(tmp_path)


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        ([1.0, float("nan"), 2.0], "finite and positive, but cost 1 is nan"),
        ([1.0, 2.0, float("inf")], "finite and positive, but cost 2 is inf"),
        ([-1.0, 2.0, 3.0], "finite and positive, but cost 0 is -1.0; leave out"),
        ([1.0, 0.0, 3.0], "finite and positive, but cost 1 is 0.0"),
        ([1.0, 2.0], r"one number per architecture, shape \(3,\), but got shape \(2,\)"),
        (["fast", "slow", "slow"], "costs must be numbers"),
    ],
)
def test_bad_costs_are_refused(name, cost, message):
    with pytest.raises(CostTableError, match=message):
        PREDICTORS[name]().fit(CELLS.sample(3), cost)


def test_bad_architectures_are_refused(name, fitted):
    with pytest.raises(CostTableError, match="at least 2 architectures, but got 1"):
        PREDICTORS[name]().fit([[0] * 6], [1.0])
    with pytest.raises(ArchitectureError):
        PREDICTORS[name]().fit([], [])
    with pytest.raises(ArchitectureError, match="between 0 and 4"):
        fitted(name, CELLS).predict([[0, 1, 2, 3, 4, 9]])
    with pytest.raises(ArchitectureError, match="6 ops"):
        fitted(name, CELLS).predict(CHAINS.sample(2))


@pytest.mark.parametrize("n", [2, 3, 10])
def test_few_rows_and_equal_costs_are_no_trouble(name, n):
    ops = CELLS.sample(n, seed=1)
    model = make(name).fit(ops, np.full(n, 3.0))
    cost = model.predict(CELLS.sample(20))
    if name == "kernels":  # its sum grows with the network, whatever the few that were measured say
        assert cost.min() > 0 and 3.0 / 2.5 < np.median(cost) < 3.0 * 2.5
    else:
        np.testing.assert_allclose(cost, 3.0, rtol=0.05)


def test_repeated_architectures_are_averaged(name):
    ops = np.repeat(CELLS.sample(30, seed=2), 2, axis=0)
    cost = np.tile([1.0, 2.0], 30)
    predicted = make(name).fit(ops, cost).predict(ops)
    assert 1.2 < predicted.mean() < 1.8


@pytest.mark.parametrize("dataset", ["cifar100", "ImageNet"])
def test_dataset_is_a_parameter(name, dataset):
    ops, cost = data(CHAINS, 40)
    assert make(name, dataset=dataset).fit(ops, cost).predict(ops).shape == (40,)


def evaluate(form, ops):
    """Evaluate a compiled form as its documentation says, with numpy alone."""
    places = np.arange(ops.shape[1])
    if str(form["kind"]) == "additive":
        target = form["intercept"] + form["table"][places, ops].sum(axis=1)
        if "scale" not in form:
            return np.maximum(target, form["floor"])
        return from_scale(form, target)

    def silu(x):
        return x / (1 + np.exp(-x))

    hidden = silu(form["first"][:, places, ops].sum(axis=2) + form["bias_1"])
    hidden = silu(hidden @ form["weight_2"] + form["bias_2"])
    target = (hidden @ form["weight_3"] + form["bias_3"])[..., 0].mean(axis=0)
    return from_scale(form, target + form["linear"][places, ops].sum(axis=1) + form["intercept"])


def from_scale(form, target):
    shift, scale, floor = form["scale"]
    raw = target * scale + shift
    inverse = {"linear": raw, "sqrt": np.maximum(raw, 0) ** 2, "log": np.exp(raw)}
    return np.maximum(inverse[str(form["scale_name"])], floor)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("lookup", {}),
        ("ridge", {"scale": "linear"}),
        ("ridge", {"scale": "log"}),
        ("mlp", {"max_epochs": 3}),
    ],
)
def test_compiled_forms_are_exact(kind, params):
    model = PREDICTORS[kind](**params).fit(*data(CHAINS, 60))
    form = model.compiled()
    new = CHAINS.sample(50, seed=12)
    mean, std = model.predict(new, return_std=True)
    np.testing.assert_allclose(evaluate(form, new), mean, rtol=1e-9)
    np.testing.assert_allclose(form["relative_std"] * mean, std, rtol=1e-12)
    assert all(array.dtype != object for array in form.values())


def measured_mine(n, seed):
    """Return architectures of `MySpace` and costs of their own layers, with 5 % noise."""
    ops = MINE.sample(n, seed=seed)
    layers = [MINE.layers(row) for row in ops]
    cost = np.array([sum(x.macs for x in row) ** 0.8 / 60_000 + 0.1 * len(row) for row in layers])
    return ops, cost * np.exp(0.05 * np.random.default_rng(seed).standard_normal(n))


def error(model, ops, cost):
    """Return the mean absolute error as a share of the cost."""
    return np.mean(np.abs(model.predict(ops) / cost - 1))


@pytest.mark.parametrize("n", [20, 100])
def test_layers_tell_the_cost_in_a_space_that_is_not_additive(name, n):
    ops, cost = measured_mine(n + 300, seed=4)
    train, test = (ops[:n], cost[:n]), (ops[n:], cost[n:])
    model = make(name).fit(*train, space=MINE)
    of_ops = RidgePredictor(groups=("ops",)).fit(*train, space=MINE)
    if name == "lookup":  # one number a position and op, all that it can hold
        assert error(model, *test) < 0.25
        return
    ranks, ranks_of_ops = (spearmanr(m.predict(test[0]), test[1])[0] for m in (model, of_ops))
    few_for_trees = n == 20 and name in ("xgboost", "lightgbm")
    assert 1 - ranks < (1.0 if few_for_trees else 0.75) * (1 - ranks_of_ops)
    if not few_for_trees:
        assert error(model, *test) < 0.75 * error(of_ops, *test)
        assert error(model, *test) < (0.12 if n == 20 else 0.075)
        mean, std = model.predict(test[0], return_std=True)
        assert np.mean(np.abs(mean - test[1]) < 2 * std) > 0.5


def test_a_space_is_not_guessed_where_two_would_do(name, monkeypatch):
    monkeypatch.setitem(SPACES, "other_chain", OtherChain())
    ops, cost = data(CHAINS, 30)
    with pytest.raises(ArchitectureError, match="one of fbnet and of other_chain; say which"):
        make(name).fit(ops, cost)
    assert make(name).fit(ops, cost, space="other_chain").space_ == OtherChain()
    assert make(name).fit(ops, cost, space=CHAINS).space_ == CHAINS


@EVERY_SPACE
def test_only_additive_predictors_have_additive_forms(name, space, fitted):
    form = fitted(name, space).compiled()
    if space == CHAINS:
        assert (form is None) == (name in ("xgboost", "lightgbm", "gnn", "kernels"))
    else:
        assert (form is not None) == (name == "lookup")


def test_users_space_in_grid_search_and_pickles(name, fitted):
    ops, cost = data(MINE, 60)
    search = GridSearchCV(make(name), {"seed": [0, 1]}, cv=2).fit(ops, cost, space=MINE)
    assert search.predict(ops[:3]).shape == (3,)
    model = fitted(name, MINE)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(ops), model.predict(ops))
