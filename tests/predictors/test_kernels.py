"""The predictor of any network."""

from functools import cache

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from archcost.errors import ArchcostError, CostTableError, IntegrityError
from archcost.kernels.kernel_arrays import KINDS
from archcost.kernels.kernel_work import ROLES, kernel_work
from archcost.kernels.network_kernels import NetworkKernels
from archcost.kernels.network_offsets import NetworkOffsets
from archcost.networks import GraphBuilder
from archcost.predictors.kernel_transfer import transfer_kernels
from archcost.predictors.kernels import KernelPredictor
from archcost.predictors.price_prior import GENERIC_MEAN
from archcost.spaces import get_space

SPACES = ("nasbench201", "fbnet", "ofa_mbv3", "autoformer_tiny")


@cache
def networks():
    """Members of four spaces and the space of each."""
    graphs, families = [], []
    for name in SPACES:
        space = get_space(name)
        graphs += [space.graph(arch) for arch in space.sample(12, seed=5)]
        families += [name] * 12
    return graphs, families


def costs(graphs, style="fused", seed=0, speed=1.0, noise=0.02, layout=1.0):
    """What a made-up device takes: prices of its own for each kind, and some noise."""
    rng = np.random.default_rng(seed)
    prices = GENERIC_MEAN.reshape(len(KINDS), len(ROLES))
    prices = np.exp(prices + 0.5 * rng.standard_normal(prices.shape))
    moves = [KINDS.index(kind) for kind in ("concat", "split", "transpose", "gather", "pad")]
    prices[moves, ROLES.index("io")] *= layout
    arrays = NetworkKernels.of(graphs).by_style[style]
    each = (kernel_work(arrays, 8) * prices[arrays.kinds]).sum(axis=1)
    sums = np.bincount(arrays.network, each)
    return speed * sums * np.exp(noise * np.random.default_rng(9).standard_normal(len(sums)))


@cache
def fitted(style="fused"):
    graphs, families = networks()
    return KernelPredictor().fit(graphs[::2], costs(graphs, style)[::2], families=families[::2])


def test_unseen_networks_are_predicted():
    graphs, _ = networks()
    error = fitted().predict(graphs[1::2]) / costs(graphs)[1::2] - 1
    assert np.abs(error).mean() < 0.05


def test_costs_of_layers_sum_to_the_prediction():
    graph = networks()[0][-1]
    layers = fitted().layer_costs(graph)
    assert sum(layer.cost for layer in layers) == pytest.approx(fitted().predict([graph])[0])
    assert sum(layer.share for layer in layers) == pytest.approx(1)
    assert min(layer.cost for layer in layers) >= 0
    dearest = max(layers, key=lambda layer: layer.cost)
    assert dearest.macs > 0 and dearest.moved_bytes > 0
    assert layers[-1].output_shape == graph.output_shapes[0]


def test_a_saved_predictor_predicts_the_same(tmp_path):
    graphs, _ = networks()
    fitted().save_weights(tmp_path)
    loaded = KernelPredictor().load_weights(tmp_path)
    assert (loaded.predict(graphs) == fitted().predict(graphs)).all()
    one, other = loaded.predict(graphs, True)[1], fitted().predict(graphs, True)[1]
    assert one == pytest.approx(other, rel=1e-3)


def test_the_contract_of_estimators():
    graphs, families = networks()
    y = costs(graphs)
    predictor = KernelPredictor(blocks=(8,), seed=3)
    with pytest.raises(NotFittedError):
        predictor.predict(graphs)
    assert clone(predictor).get_params() == {"blocks": (8,), "seed": 3}
    first = clone(predictor).fit(graphs, y, families=families).predict(graphs)
    assert (first == clone(predictor).fit(graphs, y, families=families).predict(graphs)).all()
    assert predictor.fit(graphs, y, families=families) is predictor
    single = [predictor.predict([graph])[0] for graph in graphs[:5]]
    assert single == pytest.approx(predictor.predict(graphs[:5]), rel=1e-12)


def test_bad_costs_and_families_are_refused():
    graphs, families = networks()
    with pytest.raises(CostTableError, match="finite and positive"):
        KernelPredictor().fit(graphs[:2], [1.0, -1.0])
    with pytest.raises(ArchcostError, match="families must name one a network"):
        KernelPredictor().fit(graphs[:3], [1.0, 2.0, 3.0], families=families)


def test_ops_without_measurement_are_named_and_widen_the_interval():
    builder = GraphBuilder()
    x = builder.conv(builder.input((3, 64, 64)), 32, 3, name="conv")
    known = builder.graph(builder.relu(x))
    strange = builder.graph(builder.other("sort", builder.relu(x), shape=(1, 32, 64, 64)))
    assert fitted().unmeasured(known) == {}
    found = fitted().unmeasured(strange)
    assert list(found) == ["sort"]
    assert 0 < found["sort"] < 1
    relative = [std[0] / mean[0] for mean, std in (
        fitted().predict([graph], True) for graph in (known, strange)
    )]  # fmt: skip
    assert relative[1] > max(relative[0], found["sort"])


def test_intervals_hold_what_is_held_out():
    graphs, _ = networks()
    mean, std = fitted().predict(graphs[1::2], True)
    inside = np.abs(np.log(costs(graphs)[1::2] / mean)) < 1.645 * std / mean
    assert inside.mean() >= 0.85


def test_few_networks_are_enough_beside_a_source():
    graphs, _ = networks()
    y = costs(graphs, speed=7.0)
    few = [0, 14, 26, 38]
    model = transfer_kernels([graphs[i] for i in few], y[few], [fitted()])
    assert np.abs(model.predict(graphs) / y - 1).mean() < 0.06
    assert model.components_[0].weight == max(part.weight for part in model.components_)


def test_the_right_source_is_found_among_several():
    graphs, families = networks()
    other = KernelPredictor().fit(graphs, costs(graphs, "eager", seed=4), families=families)
    y = costs(graphs, speed=0.1)
    few = [1, 15, 27, 39, 5, 19]
    model = transfer_kernels([graphs[i] for i in few], y[few], [other, fitted()])
    assert np.abs(model.predict(graphs) / y - 1).mean() < 0.06


def test_without_sources_a_transfer_rests_on_what_holds_for_any_device():
    graphs, _ = networks()
    y = costs(graphs)
    few = list(range(0, 48, 5))
    model = transfer_kernels([graphs[i] for i in few], y[few])
    assert np.abs(model.predict(graphs) / y - 1).mean() < 0.2
    assert len(model.left_out_) == len(few)


def test_a_device_that_is_slow_at_changing_layouts_is_learned_from_ten():
    graphs, _ = networks()
    y = costs(graphs, layout=30.0)
    few = np.arange(0, 48, 5)
    rest = np.setdiff1d(np.arange(48), few)
    model = transfer_kernels([graphs[i] for i in few], y[few], [fitted()])
    error = np.abs(np.log(model.predict([graphs[i] for i in rest]) / y[rest]))
    assert np.median(error) < 0.08
    assert np.median(np.abs(np.log(y / costs(graphs)))[36:]) > 0.3  # of those that have any


def test_a_device_that_waits_for_its_host_is_learned_from_ten(tmp_path):
    graphs, _ = networks()
    counts = np.diff(NetworkKernels.of(graphs).by_style["eager"].starts)
    device = costs(graphs, "eager")
    floor = np.quantile(device / counts, 0.4)
    y = np.maximum(device, floor * counts)
    few = np.arange(0, 48, 5)
    rest = np.setdiff1d(np.arange(48), few)
    learned = transfer_kernels([graphs[i] for i in few], y[few], [fitted("eager")])
    assert max(part.floor for part in learned.components_) == pytest.approx(floor, rel=0.1)
    error = np.abs(np.log(learned.predict(graphs) / y))[rest]
    assert error[(y == floor * counts)[rest]].mean() < 0.05
    assert np.median(error) < 0.05
    learned.save_weights(tmp_path)
    loaded = KernelPredictor().load_weights(tmp_path)
    assert loaded.predict(graphs) == pytest.approx(learned.predict(graphs), rel=1e-6)
    with pytest.raises(ValueError, match="floors must be finite"):
        KernelPredictor().restore(learned.state() | {"floors": np.full(len(counts), -1.0)})


def test_what_networks_cost_on_a_source_beyond_their_kernels_carries_over():
    graphs, families = networks()
    own = np.exp(0.2 * np.random.default_rng(4).standard_normal(len(graphs)))
    source = KernelPredictor().fit(graphs, own * costs(graphs), families=families)
    assert not len(source.corrections_)
    target = 3.0 * own * costs(graphs)
    few = np.arange(0, len(graphs), 5)
    rest = np.setdiff1d(np.arange(len(graphs)), few)
    taken = NetworkKernels.of(graphs).take(few)
    learned = transfer_kernels(taken, target[few], [source])
    error = np.abs(np.log(learned.predict(graphs) / target))[rest]
    assert np.median(error) < 0.05
    without = transfer_kernels(taken, target[few], [_without_residuals(source)])
    plain = np.abs(np.log(without.predict(graphs) / target))[rest]
    assert np.median(error) < 0.5 * np.median(plain)


def _without_residuals(source):
    copy = KernelPredictor().restore(source.state())
    copy.residuals_ = NetworkOffsets.none()
    return copy


def test_residuals_and_corrections_are_saved(tmp_path):
    graphs, _ = networks()
    learned = transfer_kernels(graphs[:10], costs(graphs)[:10], [fitted()])
    learned.save_weights(tmp_path)
    loaded = KernelPredictor().load_weights(tmp_path)
    assert len(loaded.corrections_) == len(learned.corrections_) > 0
    assert loaded.predict(graphs) == pytest.approx(learned.predict(graphs), rel=1e-6)
    fitted().save_weights(tmp_path)
    known = KernelPredictor().load_weights(tmp_path).residuals_
    assert known.knows(NetworkKernels.of(graphs[::2]).signatures()).all()


def test_one_false_measurement_of_ten_does_little():
    graphs, _ = networks()
    few = list(range(0, 40, 4))
    target = costs(graphs, seed=0, speed=0.2)
    wrong = target.copy()
    wrong[few[3]] *= 4
    taken = [graphs[i] for i in few]
    learned = transfer_kernels(taken, wrong[few], [fitted()])
    error = np.abs(np.log(learned.predict(graphs[40:]) / target[40:]))
    assert np.median(error) < 0.08


def test_a_model_of_other_kinds_of_kernels_is_refused():
    state = fitted().state()
    state["log_prices"] = state["log_prices"][:, :184]
    with pytest.raises(IntegrityError, match="184; train it anew"):
        KernelPredictor().restore(state)


@pytest.mark.parametrize(
    ("name", "value"),
    [("styles", -1), ("styles", 9), ("blocks", 0), ("blocks", -91), ("weights", np.nan)],
)
def test_a_state_that_cannot_have_been_fitted_is_refused(name, value):
    state = fitted().state()
    state[name] = np.full_like(state[name], value)
    with pytest.raises(ValueError, match=f"{name}|{name[:-1]}"):
        KernelPredictor().restore(state)
