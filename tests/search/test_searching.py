"""Search: against exhaustive fronts, within limits, with intervals, verified."""

import numpy as np
import pandas as pd
import pytest

from archcost.datasets import DEVICES, CostKey, CostTable
from archcost.errors import ArchcostError, UnknownNameError
from archcost.models import CostModel, Manifest, pareto_front
from archcost.models.additive_form import AdditiveForm
from archcost.models.table_form import TableForm
from archcost.models.target_scale import TargetScale
from archcost.search import search
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
    with pytest.raises(ArchcostError, match="returned NaN"):
        search(CELLS, lambda arch: float("nan"), {"raspi4": 3}, models=cells)
    with pytest.raises(UnknownNameError, match="must be of fbnet"):
        search(NETS, richness, {"raspi4": 3}, models=cells)
