"""A new device from few measurements: exactness, robustness, known numbers, errors."""

import numpy as np
import pandas as pd
import pytest

from archcost.datasets import CostTable, DeviceCard
from archcost.errors import (
    ArchcostWarning,
    ArchitectureError,
    CostTableError,
    MissingDataError,
    UnknownNameError,
)
from archcost.features import CostDrivers
from archcost.features.cost_drivers import LATER_DRIVERS
from archcost.features.critical_paths import longest_path
from archcost.models import CostModel
from archcost.predictors import TransferPredictor
from archcost.predictors.transfer_prior import learn_prior
from archcost.spaces import FBNet, NASBench201
from archcost.spaces.liveness import backward_live, connected, forward_live
from archcost.training import suggest, transfer
from archcost.training.metrics import spearman
from archcost.training.transfer_report import transfer_report
from archcost.training.unmeasured import source_weights

CELLS, CHAINS = NASBench201(), FBNet()
SPACES = pytest.mark.parametrize("space", [CELLS, CHAINS], ids=lambda space: space.name)


def device_ms(ops, space, seed, like=1.0):
    """Return costs of a made-up device: a sum over layers of what each op costs there."""
    rng = np.random.default_rng(seed)
    common = np.random.default_rng(5).uniform(0.2, 2.0, space.n_ops)
    table = like * common + (1 - like) * rng.uniform(0.2, 2.0, space.n_ops)
    widths = rng.uniform(0.8, 1.2, space.n_positions)
    return 3.0 + (table[ops] * widths).sum(axis=1)


def tables(space, n_sources=3):
    ops = space.sample(200, seed=11)
    return [
        CostTable.from_costs(space, ops, device_ms(ops, space, seed, 0.7), device=f"known_{seed}")
        for seed in range(n_sources)
    ]


@pytest.fixture(scope="module")
def sources():
    """Return the tables of known devices by name of the space."""
    return {space.name: tables(space) for space in (CELLS, CHAINS)}


def measure(space, archs, seed=9, like=0.7):
    ops = space.parse_many(archs)
    return dict(zip(space.format_many(ops), device_ms(ops, space, seed, like), strict=True))


@SPACES
def test_ten_chosen_measurements_rank_the_space(space, sources):
    archs = suggest(space, 10, sources=sources[space.name])
    model = transfer(space, measure(space, archs), device="mine", sources=sources[space.name])
    ops = space.sample(500, seed=21)
    truth = device_ms(ops, space, 9, 0.7)
    assert spearman(truth, model.predict(ops)) > 0.95
    low, high = model.predict_interval(ops).T
    assert 0.75 < np.mean((low <= truth) & (truth <= high)) <= 1
    assert model.predict_interval(ops, 0.5).shape == (500, 2)
    assert str(model.key) == f"{space.name}-mine-latency-{model.key.dataset}"


@SPACES
def test_the_compiled_form_is_the_predictor_and_survives_saving(space, sources, tmp_path):
    archs = space.sample(12, seed=1)
    model = transfer(space, measure(space, archs), sources=sources[space.name])
    ops = space.sample(300, seed=2)
    mean, std = model.predictor.predict(ops, return_std=True)
    form = model.compile()
    np.testing.assert_allclose(form.predict(ops), mean, rtol=1e-12)
    np.testing.assert_allclose(form.std(ops), std, rtol=1e-6)
    loaded = CostModel.load(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict(ops), form.predict(ops))
    np.testing.assert_allclose(loaded.predictor.predict(ops), mean, rtol=1e-12)
    assert not list((tmp_path / "model").glob("*.pkl"))
    assert transfer_report(loaded, held_out=False) == transfer_report(model, held_out=False)


@SPACES
def test_one_outlier_among_ten_does_little(space, sources):
    archs = list(suggest(space, 10, sources=sources[space.name]))
    measured = measure(space, archs)
    measured[archs[6]] *= 4
    ops = space.sample(500, seed=21)
    predicted = transfer(space, measured, sources=sources[space.name]).predict(ops)
    assert spearman(device_ms(ops, space, 9, 0.7), predicted) > 0.8


@SPACES
def test_without_sources_physics_is_left(space):
    archs = suggest(space, 20, sources=[])
    model = transfer(space, measure(space, archs, like=0.0), sources=[])
    ops = space.sample(500, seed=21)
    assert spearman(device_ms(ops, space, 9, 0.0), model.predict(ops)) > 0.9
    report = transfer_report(model)
    assert report.held_out == report.nearest == {}
    assert "FLOPs alone" in report.to_markdown()


def test_sources_of_the_other_space_change_nothing(sources):
    measured = measure(CHAINS, CHAINS.sample(10, seed=1))
    ops = CHAINS.sample(50, seed=2)
    without = transfer(CHAINS, measured, sources=[]).predict(ops)
    other = transfer(CHAINS, measured, sources=sources["nasbench201"]).predict(ops)
    np.testing.assert_array_equal(without, other)


def test_two_measurements_are_enough_and_many_are_no_trouble(sources):
    for n in (2, 3, 250):
        archs = CHAINS.sample(n, seed=3)
        model = transfer(CHAINS, measure(CHAINS, archs), sources=sources["fbnet"])
        ops = CHAINS.sample(300, seed=4)
        assert spearman(device_ms(ops, CHAINS, 9, 0.7), model.predict(ops)) > (0.3, 0.99)[n > 3]


@pytest.mark.slow
def test_with_hundreds_boosting_may_take_over():
    ops = CELLS.sample(700, seed=1)
    crooked = 1.0 + 10.0 * ((ops[:, 0] == 3) ^ (ops[:, 5] == 3)) + 5.0 * (ops[:, 1] == ops[:, 2])
    table = CostTable.from_costs(CELLS, ops, crooked, device="odd")
    model = transfer(CELLS, table, device="odd", sources=[])
    assert model.manifest.predictor == "xgboost"
    new = CELLS.sample(300, seed=2)
    assert np.isfinite(model.predict(new)).all()
    with pytest.raises(Exception, match="made by transfer"):
        transfer_report(model)


@pytest.mark.filterwarnings("ignore:.* has no checksum")  # that of pandas
def test_every_form_of_measurements_gives_the_same(sources, tmp_path):
    measured = measure(CELLS, CELLS.sample(8, seed=1))
    frame = pd.DataFrame({"arch": list(measured), "latency_ms": list(measured.values())})
    frame.assign(latency_std_ms=0.1).to_csv(tmp_path / "m.csv", index=False)
    frame.to_parquet(tmp_path / "m.parquet")
    table = CostTable.read(tmp_path / "m.csv", device="new", space="nasbench201")
    ops = CELLS.sample(20, seed=2)
    expected = transfer("nasbench201", measured, sources=sources["nasbench201"]).predict(ops)
    for given in (frame, table, tmp_path / "m.csv", str(tmp_path / "m.parquet")):
        model = transfer("nasbench201", given, sources=sources["nasbench201"])
        np.testing.assert_array_equal(model.predict(ops), expected)


def test_energy_repeats_contradictions_and_holes(sources):
    archs = CHAINS.format_many(CHAINS.sample(6, seed=1))
    costs = [5.0, 6.0, 7.0, 8.0, 9.0, np.nan, 5.2, 12.0]
    frame = pd.DataFrame({"arch": [*archs, archs[0], archs[1]], "energy_mj": costs})
    model = transfer("fbnet", frame, sources=sources["fbnet"])
    assert model.unit == "mJ"
    assert model.key.metric == "energy"
    assert model.manifest.training["n_without_cost"] == 1
    assert model.manifest.training["n_train"] == 7
    assert "1 rows without a cost were left out" in transfer_report(model).to_markdown()


def test_the_report_knows_the_nearest_device(sources):
    ops = CHAINS.sample(30, seed=4)
    cost = device_ms(ops, CHAINS, 1, 0.7)
    model = transfer("fbnet", dict(zip(CHAINS.format_many(ops), cost, strict=True)),
                     sources=sources["fbnet"])  # fmt: skip
    report = transfer_report(model)
    assert next(iter(report.nearest)) == "fbnet-known_1-latency-cifar100"
    assert report.nearest["fbnet-known_1-latency-cifar100"] > 0.98
    assert set(report.held_out) == set(model.manifest.training["sources"])
    assert 0.5 < report.expected_spearman <= 1
    assert report.left_out_spearman > 0.8
    assert "Nearest known devices" in report.to_markdown()


def test_sources_can_be_ids_models_and_tables(sources):
    measured = measure(CHAINS, CHAINS.sample(6, seed=1))
    by_id = transfer("fbnet", measured, sources=["1080ti_1", "1080ti_32"])
    assert by_id.manifest.training["sources"] == [
        "fbnet-1080ti_1-latency-cifar100", "fbnet-1080ti_32-latency-cifar100"
    ]  # fmt: skip
    mixed = [by_id, sources["fbnet"][0], "1080ti_64"]
    assert len(transfer("fbnet", measured, sources=mixed).manifest.training["sources"]) == 3
    own = transfer("fbnet", measured, device="known_1", sources=sources["fbnet"])
    assert len(own.manifest.training["sources"]) == 2
    with pytest.raises(UnknownNameError, match="a source must be the id of a device"):
        transfer("fbnet", measured, sources=["no_such_phone"])


def test_wrong_measurements_say_what_is_wrong():
    good = CELLS.format([3] * 6)
    for measured, text in (
        ({good: 1.0}, "at least 2 measured architectures, but got 1"),
        ({good: -1.0, CELLS.format([1] * 6): 2.0}, "positive numbers in ms"),
        ({good: "fast", CELLS.format([1] * 6): 2.0}, "must be numbers in ms"),
        (pd.DataFrame({"arch": [good], "ms": [1.0]}), "one of \\['latency_ms', 'energy_mj'\\]"),
        ([1.0, 2.0], "must be a dict"),
    ):
        with pytest.raises(CostTableError, match=text):
            transfer("nasbench201", measured, sources=[])
    with pytest.raises(ArchitectureError):
        transfer("nasbench201", {"k3_e1": 1.0, "k5_e1": 2.0}, sources=[])


def test_suggestions_are_candidates_as_given_and_continue(sources):
    candidates = CELLS.format_many(CELLS.sample(60, seed=7))
    first = suggest("nasbench201", 5, sources=sources["nasbench201"], candidates=candidates)
    assert set(first) <= set(candidates)
    assert len(set(first)) == 5
    assert connected(CELLS, CELLS.parse_many(first)).all()
    assert first == suggest("nasbench201", 5, sources=sources["nasbench201"], candidates=candidates)
    measured = measure(CELLS, first)
    more = suggest(
        "nasbench201", 5, sources=sources["nasbench201"], candidates=candidates, measured=measured
    )
    assert not set(first) & set(more)
    assert 0 <= more.expected_gain < first.expected_gain < 1
    assert all(a >= b for a, b in zip(first.spreads, first.spreads[1:], strict=False))
    indices = suggest("nasbench201", 3, sources=[], candidates=[7, 77, 777, 7777])
    assert set(indices) <= {7, 77, 777, 7777}


def test_suggest_refuses_what_makes_no_sense():
    with pytest.raises(ArchitectureError, match="n must be at least 1, but got 0"):
        suggest("fbnet", 0, sources=[])
    with pytest.raises(ArchitectureError, match="at least one architecture"):
        suggest("fbnet", 1, sources=[], candidates=[])
    arch = CHAINS.format([0] * 22)
    with pytest.raises(ArchitectureError, match="every candidate is measured"):
        suggest("fbnet", 1, sources=[], candidates=[arch], measured=[arch])


@SPACES
def test_groups_of_drivers_have_equal_spread(space):
    drivers = CostDrivers().bind(space)
    encoded = drivers.transform(space.sample(3000, seed=50))
    assert len(drivers.get_feature_names_out()) == encoded.shape[1]
    for part in drivers.groups_.values():
        assert 0.8 < (encoded[:, part] ** 2).sum(axis=1).mean() < 1.2
    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=0.1)


def test_large_work_is_expected_to_cost_more_before_anything_is_known():
    light, heavy = [8] * 22, [7] * 22
    measured = {CHAINS.format([0] * 22): 10.0, CHAINS.format([4] * 22): 11.0}
    model = transfer("fbnet", measured, sources=[])
    assert model.predict(heavy) > 1.2 * model.predict(light)
    assert TransferPredictor().get_params() == {"seed": 0, "dataset": None}


@pytest.mark.slow
def test_published_task_reaches_its_goal(real_tables):
    from archcost.datasets.source_help import HELP

    table = HELP.parse(real_tables / "help")
    names = ("2080ti_1", "essential_ph_1", "silver_4114", "titan_rtx_1", "titan_rtx_32")
    ops, _ = table.costs("fbnet-eyeriss-latency-cifar100")
    rows = np.random.default_rng(0).permutation(len(ops))[:800]
    known = [
        CostTable.from_costs(
            "fbnet", ops[rows], table.costs(f"fbnet-{name}-latency-cifar100")[1][rows], device=name
        )
        for name in names
    ]
    chosen = CHAINS.parse_many(suggest("fbnet", 20, sources=known, candidates=ops))
    place = {row.tobytes(): number for number, row in enumerate(ops)}
    measured = [place[row.tobytes()] for row in chosen]
    rest = np.setdiff1d(np.arange(len(ops)), measured)
    for target, goal in (("eyeriss", 0.99), ("raspi4", 0.96)):
        _, cost = table.costs(f"fbnet-{target}-latency-cifar100")
        pairs = dict(zip(CHAINS.format_many(chosen), cost[measured], strict=True))
        model = transfer("fbnet", pairs, sources=known)
        assert spearman(cost[rest], model.predict(ops[rest])) > goal


def test_branches_that_run_at_once_are_learned_from_fifty():
    """A made-up device that is done when the longest path is, with op times that none knows."""
    ops = CELLS.all_ops
    live = backward_live(CELLS, ops) & forward_live(CELLS, ops)
    cost = 1 + longest_path(CELLS, live, np.array([0, 0, 0.37, 1.0, 0.68])[ops])
    archs = suggest(CELLS, 50, sources=[])
    places = CELLS.indices(CELLS.parse_many(archs))
    model = transfer(CELLS, dict(zip(archs, cost[places].tolist(), strict=True)), sources=[])
    assert spearman(cost, model.predict(ops)) > 0.98


def test_a_model_saved_before_there_were_further_drivers_predicts_as_it_did(sources, tmp_path):
    archs = CELLS.sample(12, seed=1)
    drivers = CostDrivers(without=LATER_DRIVERS).bind(CELLS)
    costs = {t.keys()[0].device: t.costs(t.keys()[0]) for t in sources[CELLS.name]}
    old = TransferPredictor().with_prior(learn_prior(drivers, costs))
    old._bind = lambda space: (setattr(old, "space_", space), old._use_drivers(LATER_DRIVERS),
                               old._use(old.prior))  # fmt: skip
    old.fit(archs, device_ms(archs, CELLS, 9), space=CELLS)
    old.save_weights(tmp_path)
    with np.load(tmp_path / "weights.npz") as arrays:
        state = {name: values for name, values in arrays.items() if name != "left_out_drivers"}
    np.savez(tmp_path / "weights.npz", **state)
    loaded = TransferPredictor().load_weights(tmp_path, CELLS)
    ops = CELLS.sample(100, seed=2)
    np.testing.assert_allclose(loaded.predict(ops), old.predict(ops), rtol=1e-12)


def test_precise_measurements_weigh_more(sources):
    """Of two contradicting measurements of each architecture, the precise one is believed."""
    ops = CHAINS.sample(16, seed=1)
    archs = CHAINS.format_many(ops)
    right = device_ms(ops, CHAINS, 9)
    wrong = right[::-1]
    frame = pd.DataFrame(
        {
            "arch": archs * 2,
            "latency_ms": [*right, *wrong],
            "latency_std_ms": [0.01] * 16 + [1.0] * 16,
        }
    )
    new = CHAINS.sample(300, seed=4)
    truth = device_ms(new, CHAINS, 9)
    precise = transfer("fbnet", frame, sources=sources["fbnet"])
    equal = transfer("fbnet", frame.drop(columns="latency_std_ms"), sources=sources["fbnet"])
    assert spearman(truth, precise.predict(new)) > spearman(truth, equal.predict(new)) + 0.02
    frame["latency_std_ms"] = -1.0
    with pytest.raises(CostTableError, match="latency_std_ms must hold numbers from 0 in ms"):
        transfer("fbnet", frame, sources=[])


def test_equal_or_unknown_standard_deviations_change_nothing(sources):
    ops = CELLS.sample(12, seed=1)
    frame = pd.DataFrame({"arch": CELLS.format_many(ops), "latency_ms": device_ms(ops, CELLS, 9)})
    new = CELLS.sample(20, seed=2)
    expected = transfer(CELLS, frame, sources=sources["nasbench201"]).predict(new)
    for std in (0.1, np.nan, 0.0):
        model = transfer(CELLS, frame.assign(latency_std_ms=std), sources=sources["nasbench201"])
        np.testing.assert_array_equal(model.predict(new), expected)


@SPACES
def test_without_measurements_the_known_devices_are_averaged(space, sources, tmp_path):
    with pytest.warns(ArchcostWarning, match="the mean of 3 known devices"):
        model = transfer(space, None, device="mine", sources=sources[space.name], extrapolate=True)
    ops = space.sample(500, seed=21)
    known = [device_ms(ops, space, seed, 0.7) for seed in range(3)]
    mean_rank = np.mean([cost.argsort().argsort() for cost in known], axis=0)
    assert spearman(mean_rank, model.predict(ops)) > 0.99
    assert 0.8 < np.median(model.predict(ops)) / np.median(known) < 1.25
    low, high = model.predict_interval(ops).T
    assert (high > 3 * low).all()
    text = transfer_report(model).to_markdown()
    assert "Nothing was measured" in text
    assert "nan" not in text
    loaded = CostModel.load(model.save(tmp_path / "model"))
    np.testing.assert_allclose(loaded.predict(ops), model.predict(ops), rtol=1e-12)
    with pytest.raises(CostTableError, match="at least 2 measured architectures, but got 0"):
        transfer(space, {}, sources=sources[space.name])


def test_without_measurements_devices_of_like_facts_weigh_more():
    card = DeviceCard("new_gpu", "a GPU", runtime="TensorFlow Lite", precision="float32")
    names = ("fbnet-raspi4-latency-cifar100", "fbnet-unheard_of-latency-cifar100")
    weights = source_weights(card, names)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] >= weights[1]
    for arguments in ({"sources": []}, {"metric": "energy"}):
        with pytest.raises(MissingDataError, match="must be known devices with a latency"):
            transfer("fbnet", {}, extrapolate=True, **arguments)


def test_outliers_do_not_hide_each_other(sources):
    archs = list(suggest(CELLS, 20, sources=sources["nasbench201"]))
    measured = measure(CELLS, archs)
    for number in (3, 9, 14):
        measured[archs[number]] *= 3
    ops = CELLS.sample(500, seed=21)
    predicted = transfer(CELLS, measured, sources=sources["nasbench201"]).predict(ops)
    assert spearman(device_ms(ops, CELLS, 9, 0.7), predicted) > 0.95
