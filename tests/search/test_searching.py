"""Search: against exhaustive fronts, within limits, with intervals, verified."""

import contextlib
import signal

import numpy as np
import pandas as pd
import pytest
from my_space import MySpace

from archcost.datasets import DEVICES, CostKey, CostTable
from archcost.errors import ArchcostError, UnknownNameError
from archcost.models import CostModel, Manifest, pareto_front
from archcost.models.additive_form import AdditiveForm
from archcost.models.table_form import TableForm
from archcost.models.target_scale import TargetScale
from archcost.search import search
from archcost.search.evolving import Scored, _changed, _children
from archcost.search.known_quantities import Work
from archcost.search.limits import Limit
from archcost.search.search_costs import SearchCosts
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")
CONVS = (CELLS.all_ops == 3).sum(axis=1) + 0.4 * (CELLS.all_ops == 2).sum(axis=1)
POOLS = 1.0 + (CELLS.all_ops == 4).sum(axis=1)
TABLE = np.random.default_rng(0).uniform(0.2, 2.0, size=(22, 9))


def model_of(space, device, form, metric="latency"):
    key = CostKey(space.name, device, metric, {"fbnet": "cifar100"}.get(space.name, "cifar10"))
    model = CostModel(None, Manifest(key, DEVICES[device], "lookup"))
    model._form = form
    return model


@pytest.fixture(scope="module")
def cells():
    return {
        "raspi4": model_of(CELLS, "raspi4", TableForm(CELLS, 1 + CONVS, 0.05 * (1 + CONVS))),
        "fpga:energy": model_of(CELLS, "fpga", TableForm(CELLS, POOLS, 1e-6 * POOLS), "energy"),
    }


@pytest.fixture(scope="module")
def nets():
    form = AdditiveForm(NETS, TABLE, 1.0, TargetScale("linear", 0.0, 1.0, 0.0), 0.02)
    return {"raspi4": model_of(NETS, "raspi4", form)}


def richness(arch):
    ops = CELLS.parse(arch)
    return float((ops == 3).sum() + 0.5 * (ops == 2).sum() + 0.3 * (ops == 4).sum() + ops[0] / 100)


def test_accuracies_give_the_exact_front(cells):
    rng = np.random.default_rng(1)
    rows = rng.permutation(15_625)[:400]
    accuracy = dict(zip(CELLS.format_many(CELLS.all_ops[rows]), rng.random(400), strict=True))
    result = search(CELLS, accuracy, {"raspi4": 3.5}, models=cells, cautious=False)
    score = np.array(list(accuracy.values()))
    latency = 1 + CONVS[rows]
    within = latency <= 3.5
    front = pareto_front(np.stack([-score[within], latency[within]], axis=1))
    assert sorted(result.front["score"]) == sorted(score[within][front])
    assert result.front["score"].is_monotonic_decreasing
    assert accuracy[result.best] == score[within].max()
    assert result.n_scored == within.sum()


def test_a_small_budget_comes_near_the_best(cells):
    result = search(
        "nasbench201", richness, {"raspi4": 3.0}, devices=["fpga:energy"], models=cells, budget=150
    )
    assert result.n_scored <= 150
    upper = cells["raspi4"].predict_interval(CELLS.all_ops)[:, 1]
    best = max(map(richness, CELLS.all_ops[upper <= 3.0]))
    assert result.front["score"].iloc[0] >= best - 0.1
    assert (result.front["raspi4_latency_ms_high"] <= 3.0).all()
    assert list(result.front.columns) == [
        "arch", "score", "raspi4_latency_ms", "raspi4_latency_ms_low", "raspi4_latency_ms_high",
        "fpga_energy_mj", "fpga_energy_mj_low", "fpga_energy_mj_high",
    ]  # fmt: skip
    objectives = result.front[["raspi4_latency_ms", "fpga_energy_mj"]].assign(s=-result.front.score)
    assert pareto_front(objectives.to_numpy()).all()


def test_the_seed_fixes_it(cells):
    def found(seed):
        return search(CELLS, richness, {"raspi4": 3.0}, models=cells, budget=80, seed=seed).front

    pd.testing.assert_frame_equal(found(1), found(1))


def test_a_large_space_with_a_tight_limit(nets):
    cheapest = 1.0 + TABLE.min(axis=1).sum()
    limit = 1.15 * cheapest  # random networks are far above
    assert nets["raspi4"].predict(NETS.sample(4096, seed=0)).min() > limit
    asked = []

    def objective(arch):
        asked.append(arch)
        return float((NETS.parse(arch) != 8).sum())

    result = search(NETS, objective, {"raspi4": limit}, models=nets, budget=120)
    assert len(asked) == len(set(asked)) <= 120
    assert (result.front["raspi4_latency_ms_high"] <= limit).all()
    with pytest.raises(ArchcostError, match="no architecture was found"):
        search(NETS, objective, {"raspi4": 0.9 * cheapest}, models=nets)


def test_the_budget_grows_no_further_than_the_space(cells):
    limit = 1.0 + 1e-9
    result = search(CELLS, richness, {"raspi4": limit}, models=cells, budget=9999, cautious=False)
    assert result.n_scored == (CONVS == 0).sum()


def test_winners_are_verified(cells):
    table = CostTable.concat([
        CostTable.from_costs(CELLS, CELLS.all_ops, 1.01 + CONVS, device="raspi4"),
        CostTable.from_costs(CELLS, CELLS.all_ops[:1000], POOLS[:1000], device="fpga",
                             metric="energy"),
    ])  # fmt: skip
    result = search(
        CELLS, richness, {"raspi4": 3.0}, devices=["fpga:energy"], models=cells, budget=60
    )
    verified = result.verify(table)
    assert verified["raspi4_latency_ms_true"].notna().all()
    assert verified["raspi4_latency_ms_kept"].all()
    assert verified["raspi4_latency_ms_covered"].all()
    assert verified["fpga_energy_mj_true"].isna().equals(verified["fpga_energy_mj_covered"].isna())
    assert "fpga_energy_mj_kept" not in verified


def test_wrong_requests_are_refused(cells, monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path))
    with pytest.raises(ArchcostError, match="at least one device"):
        search(CELLS, richness)
    with pytest.raises(ArchcostError, match="must be above 0, but is -1"):
        search(CELLS, richness, {"raspi4": -1}, models=cells)
    with pytest.raises(ArchcostError, match="budget must be at least 1"):
        search(CELLS, richness, {"raspi4": 3}, models=cells, budget=0)
    with pytest.raises(ArchcostError, match="named once"):
        search(CELLS, richness, {"raspi4": 3, "raspi4:latency": 3},
               models={**cells, "raspi4:latency": cells["raspi4"]})  # fmt: skip
    with pytest.raises(ArchcostError, match="must return a number, but returned nan for"):
        search(CELLS, lambda arch: float("nan"), {"raspi4": 3}, models=cells)
    with pytest.raises(UnknownNameError, match="must be of fbnet"):
        search(NETS, richness, {"raspi4": 3}, models=cells)


def flops_of(arch):
    return float(MySpace().workload(arch).flops)


@pytest.mark.parametrize("as_a_whole", [True, False])
def test_a_space_with_rules_and_slots_that_differ(as_a_whole, monkeypatch):
    if not as_a_whole:
        monkeypatch.setattr("archcost.search.searching.ENUMERABLE", 0)
    space, asked = MySpace(), []

    def objective(arch):
        asked.append(arch)
        return flops_of(arch)

    result = search(space, objective, {"params": 3000.0}, budget=300)
    assert len(asked) == len(set(asked)) == result.n_scored <= 300
    assert all(arch in space for arch in asked)
    within = [arch for arch in space.all_ops if space.workload(arch).params <= 3000]
    assert result.front["score"].iloc[0] == max(map(flops_of, within))
    assert list(result.front.columns) == ["arch", "score", "params"]
    assert result.front["params"].tolist() == [
        space.workload(arch).params for arch in result.front["arch"]
    ]


def test_children_are_valid_and_reach_every_op():
    space, rng = MySpace(), np.random.default_rng(0)
    scored = Scored(space, flops_of, SearchCosts((Limit(Work("params", space)),), 0.9))
    scored.add(space.sample(40, seed=1))
    children = np.concatenate([_children(scored, rng) for _ in range(8)])
    assert space.valid(children).all()
    assert np.array_equal(space.parse_many(children), children)
    for place, ids in enumerate(space.choices):
        assert set(children[:, place]) == set(ids)


def test_one_change_is_one_other_op():
    space, rng = MySpace(), np.random.default_rng(0)
    ops = np.repeat(space.sample(1, seed=3), 4000, axis=0)
    changed = _changed(space, ops, rng)
    assert space.valid(changed).all()
    assert ((changed != ops).sum(axis=1) == 1).all()
    assert len(np.unique(changed, axis=0)) == len(space.neighbours(ops[0]))


def test_levels_are_probabilities(cells):
    with pytest.raises(ArchcostError, match="level must be between 0 and 1"):
        search(CELLS, richness, {"raspi4": 3}, models=cells, level=1.0)


def test_ctrl_c_that_an_objective_swallows_still_ends(cells):
    asked = []

    def objective(arch):
        asked.append(arch)
        if len(asked) == 3:
            with contextlib.suppress(BaseException):
                signal.raise_signal(signal.SIGINT)
        return 1.0

    with pytest.raises(KeyboardInterrupt):
        search(CELLS, objective, {"raspi4": 3}, models=cells)
    assert len(asked) == 3
