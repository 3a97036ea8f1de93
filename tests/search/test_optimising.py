"""Optima with a proof: against brute force, on spaces of any kind, and against each other."""

import numpy as np
import pytest
from my_space import MySpace

from archcost.datasets import DEVICES, CostKey
from archcost.errors import ArchcostError, ArchitectureError, UnknownNameError
from archcost.models import CostModel, Manifest
from archcost.models.additive_form import AdditiveForm
from archcost.models.posterior_form import PosteriorForm
from archcost.models.table_form import TableForm
from archcost.models.target_scale import TargetScale
from archcost.networks.memory import peak_activation_bytes
from archcost.search import optimum
from archcost.search.known_quantities import Work
from archcost.search.limits import Limit
from archcost.search.quantities import PredictedCost
from archcost.search.scan_scores import work_score
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")
EVERY = CELLS.all_ops
RNG = np.random.default_rng(0)
SCORE = RNG.normal(size=(6, 5))


def model_of(space, device, form):
    key = CostKey(space.name, device, "latency", space.default_dataset)
    model = CostModel(None, Manifest(key, DEVICES[device], "lookup"))
    model._form = form
    return model


def additive(space, device, name="linear"):
    table = RNG.uniform(0.1, 1.0, size=space.allowed.shape)
    return model_of(
        space, device, AdditiveForm(space, table, 0.3, TargetScale(name, 0.1, 0.9, 0.2), 0.05)
    )


@pytest.fixture
def unlisted(monkeypatch):
    """Make the small spaces too large to be listed, so that brute force can check the search."""
    monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 100)


def best_of_all(score, limits, k):
    within = np.ones(len(EVERY), dtype=bool)
    for limit in limits:
        within &= limit.bounded(EVERY) <= limit.at_most
    return np.sort(score[within])[::-1][:k]


@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize("level", [None, 0.95])
@pytest.mark.parametrize("share", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("listed", [True, False])
def test_brute_force_agrees(listed, share, level, k, monkeypatch):
    table = TableForm(CELLS, RNG.uniform(1, 2, 15625), np.full(15625, 0.1))  # nothing adds up
    models = {
        "raspi4": additive(CELLS, "raspi4", "log"),
        "fpga": additive(CELLS, "fpga", "sqrt"),
        "pixel3": additive(CELLS, "pixel3"),
        "eyeriss": model_of(CELLS, "eyeriss", table),
    }  # fmt: skip
    limits = []
    for model in models.values():
        cost = PredictedCost(model)
        at_most = float(np.quantile(cost.values(EVERY), share ** (1 / 4)))
        limits.append(Limit(cost, at_most, level))
    score = SCORE[np.arange(6), EVERY].sum(axis=1)
    expected = best_of_all(score, limits, k)
    if not listed:
        monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 100)
    values = {name: limit.at_most for name, limit in zip(models, limits, strict=True)}
    found = optimum(CELLS, SCORE, values, models=models, k=k, level=level)
    assert found.is_proven and found.method == ("listed" if listed else "branch and bound")
    np.testing.assert_allclose(found.ranked["score"], expected, rtol=1e-12)
    ops = CELLS.parse_many(list(found.ranked["arch"]))
    assert len(np.unique(ops, axis=0)) == len(ops)
    assert all((limit.bounded(ops) <= limit.at_most).all() for limit in limits)
    assert found.score == found.ranked["score"].iloc[0] and found.gap == 0.0
    assert found.costs == {
        limit.quantity.name: float(limit.quantity.values(ops[:1])[0]) for limit in limits
    }


def test_a_limit_that_is_met_exactly_is_kept(unlisted):
    models = {"raspi4": additive(CELLS, "raspi4", "log")}
    for row in EVERY[:: 15625 // 50]:
        at_most = float(models["raspi4"].predict(row))
        found = optimum(CELLS, minimize="fpga", limits={"raspi4": at_most},
                        models=models | {"fpga": linear_to(row)})  # fmt: skip
        assert found.arch == CELLS.format(row) and found.score == pytest.approx(1.0)


def linear_to(row):
    """Return a model whose only optimum is an architecture."""
    table = np.ones((6, 5))
    table[np.arange(6), row] = 0.0
    return model_of(
        CELLS, "fpga", AdditiveForm(CELLS, table, 1.0, TargetScale("linear", 0.0, 1.0, 0.0), 0.02)
    )


def test_costs_that_are_to_be_small(unlisted):
    model = additive(CELLS, "raspi4", "sqrt")
    found = optimum(CELLS, minimize="raspi4", models={"raspi4": model}, k=3)
    costs = np.sort(model.predict(EVERY))[:3]
    np.testing.assert_allclose(found.ranked["raspi4_latency_ms"], costs, rtol=1e-12)
    assert found.bound == pytest.approx(costs[-1]) and found.is_proven


@pytest.mark.parametrize("listed", [True, False])
def test_rules_and_work_that_does_not_add_up(listed, monkeypatch):
    space, every = MySpace(), MySpace().all_ops
    table = np.where(space.allowed, RNG.normal(size=space.allowed.shape), np.nan)
    table[4, space.op_names.index("absent")] = -9.0
    table[3, space.op_names.index("absent")] = 9.0  # the best without the rule breaks it
    params = np.array([space.workload(row).params for row in every])
    score = table[np.arange(5), every].sum(axis=1)
    expected = np.sort(score[params <= 3000])[::-1][:7]
    if not listed:
        monkeypatch.setattr("archcost.spaces.space.ENUMERABLE", 100)
        space = MySpace()
    found = optimum(space, table, {"params": 3000}, k=7)
    assert found.is_proven
    np.testing.assert_allclose(found.ranked["score"], expected)
    assert all(arch in space for arch in found.ranked["arch"])
    assert (found.ranked["params"] <= 3000).all()


def test_a_score_that_does_not_add_up(unlisted):
    space = MySpace()
    found = optimum(space, "flops", {"params": 3000.0}, budget=300)
    assert found.method == "evolution" and found.bound == np.inf and not found.is_proven
    loads = [space.workload(row) for row in space]
    best = max(load.flops for load in loads if load.params <= 3000)
    assert found.score == best / 1e6

    def objective(arch):
        return float(space.workload(arch).flops)

    assert optimum(space, objective, {"params": 3000.0}, budget=300).score == best


def test_too_few_are_all(unlisted):
    model = linear_to(np.zeros(6, dtype=np.int8))
    found = optimum(CELLS, SCORE, {"fpga": 2.0}, models={"fpga": model}, k=100)
    assert len(found.ranked) == 1 + 6 * 4 and found.is_proven


def test_a_network_of_fbnet_within_four_limits():
    models = {name: additive(NETS, name) for name in ("raspi4", "fpga", "pixel3")}
    limits = {"raspi4": 8.0, "fpga": 9.0, "pixel3": 9.0, "params": 1.5e6}
    found = optimum("fbnet", "flops", limits, models=models, k=3)
    assert found.is_proven
    ops = NETS.parse_many(list(found.ranked["arch"]))
    for name, model in models.items():
        assert (model.predict(ops) <= limits[name]).all()
    np.testing.assert_allclose(found.ranked["flops_m"], work_score("flops", NETS)(ops))
    drawn = NETS.sample(20_000, seed=0)
    within = (Work("params", NETS).values(drawn) <= 1.5e6) & np.all(
        [model.predict(drawn) <= limits[name] for name, model in models.items()], axis=0
    )
    assert found.score > work_score("flops", NETS)(drawn[within]).max(initial=0.0)


def test_positions_that_add_alike_are_found_in_every_order(unlisted):
    # Edges 0, 2 and 5 add the same, so do 1 and 3: what differs in their order only ties.
    score = SCORE.copy()
    score[[2, 5]], score[3] = score[0], score[1]
    cost = RNG.uniform(0.1, 1.0, size=CELLS.allowed.shape)
    cost[[2, 5]], cost[3] = cost[0], cost[1]
    form = AdditiveForm(CELLS, cost, 0.3, TargetScale("linear", 0.1, 0.9, 0.2), 0.05)
    models = {"raspi4": model_of(CELLS, "raspi4", form)}
    limit = Limit(PredictedCost(models["raspi4"]), 2.5)
    values = score[np.arange(6), EVERY].sum(axis=1)
    found = optimum(CELLS, score, {"raspi4": 2.5}, k=20, models=models)
    np.testing.assert_allclose(found.ranked["score"], best_of_all(values, [limit], 20))
    assert found.is_proven
    assert found.ranked["arch"].is_unique


@pytest.mark.parametrize("listed", [True, False])
def test_peak_memory_is_a_limit(listed):
    if not listed:
        space, most = NETS, 600_000.0
    else:
        space, most = CELLS, 200_000.0
    found = optimum(space, "flops", {"peak_activation_bytes": most, "params": 2e6})
    assert found.is_proven
    assert peak_activation_bytes(space.graph(found.arch)) == found.costs["peak_activation_bytes"]
    assert found.costs["peak_activation_bytes"] <= most
    free = optimum(space, "flops", {"params": 2e6})
    assert peak_activation_bytes(space.graph(free.arch)) > most
    assert free.score > found.score
    if not listed:
        with pytest.raises(ArchcostError, match="no architecture keeps"):
            optimum(space, "flops", {"peak_activation_bytes": 1000.0})


@pytest.mark.parametrize("floor", [0.01, 8.0])
def test_posteriors_keep_limits_by_their_upper_bound(floor, unlisted):
    roots = 0.05 * RNG.normal(size=(6, 5, 4))
    table = RNG.uniform(0.5, 2.0, size=(6, 5))
    form = PosteriorForm(CELLS, table, 0.5, roots, np.full(4, 0.1), 0.01, floor)
    model = model_of(CELLS, "raspi4", form)
    limit = Limit(PredictedCost(model), 7.5, 0.95)
    sums, most = limit.relaxed()
    upper = limit.bounded(EVERY)
    assert 100 < (upper <= 7.5).sum() < 15_000
    assert (sums(EVERY)[upper <= 7.5] <= most + 1e-12).all()
    found = optimum(CELLS, SCORE, {"raspi4": 7.5}, models={"raspi4": model}, level=0.95, k=5)
    score = SCORE[np.arange(6), EVERY].sum(axis=1)
    np.testing.assert_allclose(found.ranked["score"], best_of_all(score, [limit], 5))
    assert found.is_proven


@pytest.mark.parametrize(
    "limit", ["3", None, [3], True, np.timedelta64(3), float("nan"), 10**400, 1j, np.array([3])]
)
def test_a_limit_that_is_no_number_is_refused(limit):
    models = {"raspi4": additive(CELLS, "raspi4")}
    with pytest.raises(ArchcostError, match="the limit of raspi4_latency_ms must be a number"):
        optimum(CELLS, SCORE, {"raspi4": limit}, models=models)


@pytest.mark.parametrize(
    "option",
    [{"k": 1.5}, {"k": "2"}, {"seconds": float("nan")}, {"seconds": -1}, {"budget": -1},
     {"seed": "a"}, {"seed": -1}],
)  # fmt: skip
def test_options_that_are_no_such_numbers_are_refused(option):
    with pytest.raises(ArchcostError, match=f"{next(iter(option))} must be "):
        optimum(CELLS, SCORE, **option)


def test_wrong_requests_are_refused(unlisted):
    models = {"raspi4": additive(CELLS, "raspi4")}
    with pytest.raises(ArchcostError, match="needs one of maximize and minimize"):
        optimum(CELLS)
    with pytest.raises(ArchcostError, match="needs one of maximize and minimize"):
        optimum(CELLS, SCORE, minimize="raspi4", models=models)
    with pytest.raises(ArchcostError, match="k must be at least 1"):
        optimum(CELLS, SCORE, k=0)
    with pytest.raises(ArchcostError, match=r"shape \(6, 5\), but got shape \(5, 6\)"):
        optimum(CELLS, SCORE.T)
    with pytest.raises(ArchcostError, match="no architecture keeps the limits"):
        optimum(CELLS, SCORE, {"raspi4": 0.21}, models=models)
    with pytest.raises(ArchcostError, match="the limit of params must be above 0"):
        optimum(CELLS, SCORE, {"params": 0})
    with pytest.raises(ArchcostError, match="limits must be a mapping from names to highest"):
        optimum(CELLS, SCORE, "raspi4<3")
    with pytest.raises(UnknownNameError, match="a cost must be named by a device"):
        optimum(CELLS, SCORE, {5: 3.0})
    with pytest.raises(UnknownNameError, match="the model of raspi4 must be a CostModel"):
        optimum(CELLS, SCORE, {"raspi4": 3.0}, models={"raspi4": 3})
    with pytest.raises(ArchcostError, match="an objective must return a number, but returned nan"):
        optimum(CELLS, lambda arch: float("nan"))
    with pytest.raises(ArchitectureError, match="must have at most 100"):
        _ = MySpace().all_ops  # the fixture does what it says
