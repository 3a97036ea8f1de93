"""Scans: deterministic, within limits, stopped and resumed, on threads and on Ray."""

import numpy as np
import pytest

from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchcostError, IntegrityError
from archcost.models import CostModel, Manifest
from archcost.predictors import PREDICTORS
from archcost.search.scan_engines import on_ray, on_threads
from archcost.search.scan_progress import scan
from archcost.search.scan_scores import LowCost, SumScore, read_weights, work_score
from archcost.search.scanning import (
    CHUNK,
    Limit,
    ScanPlan,
    draw_chunk,
    highest,
    merge,
    nothing,
    scan_chunk,
)
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")


def additive_model(space, device="board", slope=1.0):
    ops = space.sample(300, seed=1)
    cost = 1.0 + ops.astype(float) @ np.linspace(0.1, slope, space.n_positions)
    key = CostKey(space.name, device, "latency", space.default_dataset)
    fitted = PREDICTORS["lookup"]().fit(ops, cost)
    return CostModel(fitted, Manifest(key, DeviceCard(device, device), "lookup"))


def plan_of(space=NETS, count=3 * CHUNK + 100, **changes):
    limits = (Limit(additive_model(space), 45.0), Limit(additive_model(space, "other", 0.5), 30.0))
    settings = {"score": work_score("flops", space), "limits": limits, "top": 50} | changes
    return ScanPlan(space, count=count, **settings)


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_result_is_the_best_within_the_limits():
    plan = plan_of()
    found = scan(plan, on_threads(2))
    ops = np.concatenate([draw_chunk(plan, chunk) for chunk in range(plan.n_chunks)])
    assert len(ops) == plan.count
    costs = np.stack([limit.model.predict(ops) for limit in plan.limits], axis=1)
    within = (costs <= [limit.at_most for limit in plan.limits]).all(axis=1)
    assert found.n_within == within.sum() > 1000
    order = np.flatnonzero(within)[np.argsort(-plan.score(ops[within]), kind="stable")][:50]
    np.testing.assert_array_equal(found.ops, ops[order])
    np.testing.assert_array_equal(found.score, plan.score(ops[order]))
    np.testing.assert_array_equal(found.costs, costs[order])


def test_result_depends_on_the_plan_alone():
    plan = plan_of()
    found = scan(plan, on_threads(1))
    assert same(found, scan(plan, on_threads(3)))
    assert not same(found, scan(plan_of(seed=1), on_threads(2)))
    backwards = nothing(plan)
    for chunk in reversed(range(plan.n_chunks)):
        backwards = merge(plan, scan_chunk(plan, chunk), backwards)
    assert same(found, backwards)


def test_draws_are_uniform_and_independent_of_each_other():
    plan = plan_of(count=4 * CHUNK)
    ops = np.concatenate([draw_chunk(plan, 0), draw_chunk(plan, 3)])
    shares = np.stack([(ops == op).mean(axis=0) for op in range(9)])
    np.testing.assert_allclose(shares, 1 / 9, atol=5 / np.sqrt(9 * len(ops)))
    pairs = np.bincount(ops[:, 0].astype(int) * 9 + ops[:, 1], minlength=81) / len(ops)
    np.testing.assert_allclose(pairs, 1 / 81, atol=5 / np.sqrt(81 * len(ops)))
    assert len(np.unique(ops, axis=0)) == len(ops)
    assert ops.dtype == np.int8 and ops.flags.c_contiguous


def test_small_spaces_are_not_drawn_twice():
    score = SumScore("ops", np.tile(np.arange(5.0), (6, 1)))
    whole = ScanPlan(CELLS, score, count=10**6, top=3)
    found = scan(whole, on_threads(2))
    assert (whole.total, found.n_within) == (15625, 15625)
    assert found.score.tolist() == [24.0, 23.0, 23.0]
    part = ScanPlan(CELLS, score, count=5000, top=5000)
    assert len(np.unique(scan(part, on_threads(2)).ops, axis=0)) == 5000


def test_stopped_scans_go_on(tmp_path, monkeypatch):
    plan, kept = plan_of(), tmp_path / "scan.progress"
    expected = scan(plan, on_threads(2))

    def stops_after(n_steps):
        def engine(plan, first):
            assert first == done[-1]
            for step, (next_chunk, found) in enumerate(on_threads(2)(plan, first)):
                if step == n_steps:
                    raise KeyboardInterrupt
                done.append(next_chunk)
                yield next_chunk, found

        return engine

    done = [0]
    for n_steps in (1, 0, 2):
        with pytest.raises(KeyboardInterrupt):
            scan(plan, stops_after(n_steps), kept)
        assert kept.exists()
    assert same(scan(plan, stops_after(99), kept), expected)
    assert done == list(range(plan.n_chunks + 1))


def test_what_was_kept_is_checked(tmp_path):
    plan, kept = plan_of(count=CHUNK), tmp_path / "scan.progress"

    def stopped(plan, first):
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        scan(plan, stopped, kept)
    with pytest.raises(ArchcostError, match="another seed; go on"):
        scan(plan_of(count=CHUNK, seed=3), on_threads(1), kept)
    with pytest.raises(ArchcostError, match="another score, limits, top;"):
        scan(
            plan_of(count=CHUNK, limits=(), top=3, score=work_score("params", NETS)), stopped, kept
        )
    kept.write_bytes(kept.read_bytes()[:-40])
    with pytest.raises(IntegrityError, match="delete it to start anew"):
        scan(plan, on_threads(1), kept)


def test_ties_keep_the_order_of_the_draw():
    score = np.array([1.0, 3.0, 2.0, 3.0, 2.0, 2.0])
    assert highest(score, 4).tolist() == [1, 3, 2, 4]
    assert highest(score, 9).tolist() == [1, 3, 2, 4, 5, 0]
    assert highest(np.empty(0), 3).tolist() == []


@pytest.mark.parametrize("space", [CELLS, NETS], ids=["nasbench201", "fbnet"])
def test_work_is_that_of_the_space(space):
    ops = space.sample(20, seed=3)
    for dataset in space.dataset_names:
        loads = [space.workload(row, dataset) for row in ops]
        for name in ("flops", "params"):
            expected = [getattr(load, name) / 1e6 for load in loads]
            np.testing.assert_allclose(work_score(name, space, dataset)(ops), expected, rtol=1e-12)


def test_low_costs_are_scores_as_well():
    model = additive_model(NETS)
    found = scan(ScanPlan(NETS, LowCost(model), count=CHUNK, top=5), on_threads(2))
    assert LowCost(model).name == "board_latency_ms"
    np.testing.assert_array_equal(model.predict(found.ops), -found.score)
    assert (np.diff(found.score) <= 0).all()


def test_weights_from_a_file(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("position,op,weight\nlayer01,k3_e6,1.5\nlayer22,skip,-2\n")
    score = read_weights(path, NETS)
    assert score.name == "mine"
    ops = np.array([[3] * 22, [0] * 21 + [8], [3] + [8] * 21])
    assert score(ops.astype(np.int8)).tolist() == [1.5, -2.0, -0.5]
    for line, message in {
        "layer23,skip,1": r"mine.csv:2: position must be one of .* did you mean 'layer22'",
        "layer01,k9_e6,1": "mine.csv:2: op must be one of",
        "layer01,skip,much": "weight must be a number, but got 'much'",
        "layer01,skip,1\nlayer01,skip,1": "mine.csv:3: layer01, skip is listed twice",
    }.items():
        path.write_text(f"position,op,weight\n{line}\n")
        with pytest.raises(ArchcostError, match=message):
            read_weights(path, NETS)
    path.write_text("position,weight\n")
    with pytest.raises(ArchcostError, match="must have the columns position, op and weight"):
        read_weights(path, NETS)


@pytest.mark.parametrize("changes", [{"count": 0}, {"top": 0}, {"seed": -1}])
def test_impossible_plans_are_refused(changes):
    (name,) = changes
    with pytest.raises(ArchcostError, match=f"{name} must be at least"):
        plan_of(**changes)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_finds_the_same(tmp_path):
    ray = pytest.importorskip("ray")
    plan = plan_of(count=40 * CHUNK + 5)
    expected = scan(plan, on_threads(2))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        assert same(scan(plan, on_ray(), tmp_path / "scan.progress"), expected)
        assert ray.is_initialized()
    finally:
        ray.shutdown()
