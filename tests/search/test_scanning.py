"""Scans: deterministic, within limits, stopped and resumed, on threads and on Ray."""

import hashlib
import time

import numpy as np
import pytest
from my_space import MySpace

from archcost.datasets import CostKey, DeviceCard
from archcost.errors import ArchcostError, IntegrityError
from archcost.models import CostModel, Manifest
from archcost.predictors import PREDICTORS
from archcost.search.known_quantities import Work
from archcost.search.limits import Limit
from archcost.search.quantities import PredictedCost
from archcost.search.scan_engines import on_ray, on_threads
from archcost.search.scan_progress import scan
from archcost.search.scan_scores import LowCost, SumScore, read_weights, work_score
from archcost.search.scanning import (
    CHUNK,
    ScanPlan,
    draw_chunk,
    highest,
    merge,
    nothing,
    scan_chunk,
)
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")


def additive_cost(space, device="board", slope=1.0):
    ops = space.sample(300, seed=1)
    cost = 1.0 + ops.astype(float) @ np.linspace(0.1, slope, space.n_positions)
    key = CostKey(space.name, device, "latency", space.default_dataset)
    fitted = PREDICTORS["lookup"]().fit(ops, cost)
    return PredictedCost(CostModel(fitted, Manifest(key, DeviceCard(device, device), "lookup")))


def plan_of(space=NETS, count=3 * CHUNK + 100, **changes):
    limits = (Limit(additive_cost(space), 45.0), Limit(additive_cost(space, "other", 0.5), 30.0))
    settings = {"score": work_score("flops", space), "limits": limits, "top": 50} | changes
    return ScanPlan(space, count=count, **settings)


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def test_result_is_the_best_within_the_limits():
    plan = plan_of()
    found = scan(plan, on_threads(2))
    ops = np.concatenate([draw_chunk(plan, chunk) for chunk in range(plan.n_chunks)])
    assert len(ops) == plan.count
    costs = np.stack([limit.quantity.model.predict(ops) for limit in plan.limits], axis=1)
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
    cost = additive_cost(NETS)
    found = scan(ScanPlan(NETS, LowCost(cost), count=CHUNK, top=5), on_threads(2))
    assert LowCost(cost).name == "board_latency_ms"
    np.testing.assert_array_equal(cost.model.predict(found.ops), -found.score)
    assert (np.diff(found.score) <= 0).all()


def test_weights_from_a_file(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("position,op,weight\nlayer01,k3_e6,1.5\nlayer22,skip,-2\n")
    score = read_weights(path, NETS)
    assert score.name == "mine"
    ops = np.array([[3] * 22, [0] * 21 + [8], [3] + [8] * 21])
    assert score(ops.astype(np.int8)).tolist() == [1.5, -2.0, -0.5]
    (tmp_path / "rules.csv").write_text("position,op,weight\nresolution,k3_w8,1\n")
    with pytest.raises(ArchcostError, match="op at resolution must be one of"):
        read_weights(tmp_path / "rules.csv", MySpace())
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


def test_draws_of_a_seed_stay_the_same():
    plan = ScanPlan(NETS, SumScore("none", np.zeros((22, 9))), count=200_000, seed=5)
    drawn = draw_chunk(plan, plan.n_chunks - 1)
    assert hashlib.sha256(drawn.tobytes()).hexdigest()[:16] == "84cb73c1a9eceb32"


@pytest.mark.parametrize("listed", [True, False])
def test_only_valid_architectures_of_a_space_with_rules(listed, monkeypatch):
    every = MySpace().all_ops
    if not listed:
        monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 100)
    space = MySpace()
    assert space.is_enumerable == listed
    score, limit = work_score("flops", space), Limit(Work("params", space), 3000.0)
    plan = ScanPlan(space, score, (limit,), count=CHUNK + 10, top=20)
    found = scan(plan, on_threads(2))
    assert space.valid(found.ops).all() and space.parse_many(found.ops).dtype == found.ops.dtype
    loads = [space.workload(row) for row in found.ops]
    np.testing.assert_array_equal(found.score, [load.flops / 1e6 for load in loads])
    np.testing.assert_array_equal(found.costs[:, 0], [load.params for load in loads])
    within = [load for load in map(space.workload, every) if load.params <= 3000]
    assert 0 < len(within) < 1008
    assert found.score[0] == max(load.flops for load in within) / 1e6  # exhausted by brute force
    assert plan.total == (1008 if listed else 1200)
    if listed:
        assert found.n_within == len(within)


def test_draws_of_a_space_with_rules_are_uniform(monkeypatch):
    every = MySpace().all_ops
    monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 100)
    space = MySpace()
    monkeypatch.setattr(ScanPlan, "total", CHUNK)
    drawn = draw_chunk(ScanPlan(space, work_score("flops", space)), 0)
    assert drawn.shape == (CHUNK, 5) and drawn.dtype == np.int8
    rows, counts = np.unique(drawn, axis=0, return_counts=True)
    assert np.array_equal(rows, np.unique(every, axis=0))
    np.testing.assert_allclose(counts, CHUNK / 1008, atol=6 * np.sqrt(CHUNK / 1008))


def test_a_space_whose_rules_leave_nothing_is_refused(monkeypatch):
    class Nothing(MySpace):
        def violation(self, ops):
            return "be something else"

        def valid(self, ops):
            return np.zeros(len(ops), dtype=bool)

    monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 100)
    score = SumScore("none", np.zeros((5, 8)))
    with pytest.raises(ArchcostError, match="all break its rules"):
        draw_chunk(ScanPlan(Nothing(), score, count=10), 0)


def test_limits_hold_with_the_probability_asked_for():
    cost = additive_cost(NETS)
    ops = NETS.sample(500, seed=7)
    means, stds = cost.model.predict(ops, return_std=True)
    upper = Limit(cost, 40.0, level=0.95).bounded(ops)
    np.testing.assert_allclose(upper, cost.model.predict_interval(ops, 0.9)[:, 1], rtol=1e-12)
    assert (upper > means).all() and (stds > 0).all()
    plan = plan_of(limits=(Limit(cost, 40.0, level=0.95),), count=CHUNK, top=100)
    found = scan(plan, on_threads(2))
    assert (Limit(cost, 40.0, level=0.95).bounded(found.ops) <= 40.0).all()
    assert (
        found.n_within
        < scan(plan_of(limits=(Limit(cost, 40.0),), count=CHUNK), on_threads(2)).n_within
    )
    with pytest.raises(ArchcostError, match=r"at least 0.5 and below 1, such as 0.95, but got 1.0"):
        Limit(cost, 40.0, level=1.0)


@pytest.mark.parametrize("changes", [{"count": 0}, {"top": 0}, {"seed": -1}])
def test_impossible_plans_are_refused(changes):
    (name,) = changes
    with pytest.raises(ArchcostError, match=f"{name} must be at least"):
        plan_of(**changes)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_cluster_finds_the_same_and_loses_a_node(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "240")  # a busy machine starts slowly
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    plan = plan_of(count=64 * CHUNK + 5)
    expected = scan(plan, on_threads(2))
    head = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        second, n_alive = cluster.add_node(num_cpus=1), []
        ray.init(address=cluster.address, log_to_driver=False)
        assert same(scan(plan, on_ray(), tmp_path / "scan.progress"), expected)
        assert ray.is_initialized()  # as it was given
        ray.shutdown()

        def engine(plan, first):
            for step, found in enumerate(on_ray(cluster.address)(plan, first)):
                n_alive.append(alive())
                if step == 0:
                    cluster.remove_node(second, allow_graceful=False)
                    deadline = time.monotonic() + 120
                    while alive() > 1 and time.monotonic() < deadline:
                        time.sleep(0.5)  # until the cluster knows
                yield found

        def alive():
            return sum(node["Alive"] for node in ray.nodes())

        assert same(scan(plan, engine), expected)
        assert (n_alive[0], n_alive[-1]) == (2, 1)
    finally:
        cluster.shutdown()
