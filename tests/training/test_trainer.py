"""Training and evaluation on small tables."""

import json
from dataclasses import replace

import numpy as np
import pytest

from archcost.datasets import CostTable
from archcost.errors import CostTableError, MissingDataError, UnknownNameError
from archcost.predictors import PREDICTORS, LookupPredictor
from archcost.spaces import FBNet, NASBench201
from archcost.tracking import learning_curve
from archcost.training import TrainSettings, evaluate, run_trial, score, train

CELLS = NASBench201().sample(60, seed=0)
COST = 1.5 + 2.0 * (CELLS == 3).sum(axis=1) + 0.5 * (CELLS == 2).sum(axis=1)
KEY = "nasbench201-my_board-latency-cifar10"
LOOKUP = TrainSettings(predictor="lookup")


@pytest.fixture
def table():
    return CostTable.from_costs("nasbench201", CELLS, COST, device="my_board", batch_size=4)


def test_the_model_knows_what_it_is_for_and_where_it_comes_from(table):
    model = train(table, settings=LOOKUP)
    manifest = model.manifest
    assert str(model.key) == KEY
    assert (manifest.device.id, manifest.device.batch_size) == ("my_board", 4)
    assert manifest.predictor == "lookup"
    assert manifest.params["dataset"] == "cifar10"
    assert manifest.training["table_sha256"] == table.sha256
    assert {"archcost", "numpy", "python"} <= set(manifest.versions)
    json.dumps(dict(manifest.scores))


def test_scores_are_held_out_and_the_model_is_refitted_on_all_rows(table):
    scores = train(table, settings=LOOKUP).manifest.scores
    assert scores["spearman"] == pytest.approx(1.0)
    assert scores["spearman_low"] <= scores["spearman"] <= scores["spearman_high"]
    assert (scores["n_train"], scores["n_test"]) == (48, 12)
    assert scores["refitted_on_all_rows"]
    assert train(table, settings=LOOKUP).manifest.training["n_train"] == 60


def test_without_refit_the_scored_model_is_returned(table):
    model = train(table, settings=TrainSettings(predictor="lookup", refit=False))
    assert model.manifest.training["n_train"] == 48
    assert not model.manifest.scores["refitted_on_all_rows"]


def test_a_trial_scores_its_own_held_out_predictions(table):
    trial = run_trial(table, settings=TrainSettings("ridge", validation_share=0.1))
    assert trial.scores == score(trial.truth, trial.predicted)
    assert trial.validation_spearman is not None
    assert len(trial.truth) == 12
    assert trial.train_seconds > 0


def test_the_seed_fixes_everything(table):
    first, again, other = (
        run_trial(table, settings=TrainSettings("ridge", n_train=20, seed=seed))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first.predicted, again.predicted)
    assert first.scores == again.scores
    assert not np.array_equal(first.truth, other.truth)


def test_rows_without_a_cost_are_left_out_and_counted():
    cost = COST.copy()
    cost[:5] = np.nan
    status = ["did_not_compile"] * 5 + ["ok"] * 55
    table = CostTable.from_costs("nasbench201", CELLS, cost, device="my_board", status=status)
    training = train(table, settings=LOOKUP).manifest.training
    assert (training["n_train"], training["n_without_cost"]) == (55, 5)
    assert training["rows_by_status"] == {"did_not_compile": 5, "ok": 55}


def test_a_published_device_keeps_its_card(table):
    published = CostTable.from_costs("nasbench201", CELLS, COST, device="raspi4")
    assert train(published, settings=LOOKUP).device.name == "Raspberry Pi 4"


def test_a_table_with_several_keys_must_be_told_which(table):
    both = CostTable.concat(
        [table, CostTable.from_costs("nasbench201", CELLS, COST, device="other")]
    )
    with pytest.raises(CostTableError, match=f"a key must be given .*{KEY}"):
        train(both, settings=LOOKUP)
    assert train(both, KEY, LOOKUP).device.id == "my_board"
    with pytest.raises(MissingDataError, match="no costs for nasbench201-fpga-latency-cifar10"):
        train(both, "nasbench201-fpga-latency-cifar10", LOOKUP)


def test_unknown_predictor_names_the_choices(table):
    with pytest.raises(UnknownNameError, match=r"predictor must be one of .*did you mean 'ridge'"):
        train(table, settings=TrainSettings("rigde"))


def test_params_reach_the_predictor(table):
    settings = TrainSettings("lookup", params={"dataset": "cifar100"})
    assert train(table, settings=settings).manifest.params["dataset"] == "cifar100"


def test_fbnet_trains_as_well():
    nets = FBNet().sample(60, seed=0)
    table = CostTable.from_costs("fbnet", nets, 1.0 + nets.sum(axis=1), device="my_board")
    assert train(table, settings=TrainSettings("ridge")).key.dataset == "cifar100"


def test_evaluate_scores_predictions_against_the_table(table):
    model = train(table, settings=TrainSettings("ridge", n_train=30, refit=False))
    assert evaluate(model, table) == score(COST, model.predict(CELLS))


def test_evaluate_refuses_costs_of_another_kind(table):
    model = train(table, settings=LOOKUP)
    energy = CostTable.from_costs("nasbench201", CELLS, COST, device="my_board", metric="energy")
    with pytest.raises(CostTableError, match="costs must be latency in nasbench201"):
        evaluate(model, energy, energy.keys()[0])


def test_learning_curve_has_a_row_a_size_predictor_and_seed(table):
    curve = learning_curve(table, predictors=("lookup", "ridge"), sizes=(20, 40), seeds=(0, 1))
    assert len(curve) == 8
    assert set(curve["n_train"]) == {20, 40}
    assert (curve.query("predictor == 'lookup'")["spearman"] > 0.99).all()
    assert {"kendall_low", "rmse", "train_seconds"} <= set(curve.columns)


class WithoutSeed(LookupPredictor):
    """A predictor whose constructor takes what its author thought of, and nothing else."""

    def __init__(self, share: float = 0.5) -> None:
        super().__init__()
        self.share = share


def test_a_constructor_need_not_take_seed_and_dataset(table, monkeypatch):
    monkeypatch.setitem(PREDICTORS, "without_seed", WithoutSeed)
    settings = TrainSettings(predictor="without_seed", params={"share": 0.25})
    model = train(table, settings=settings)
    assert dict(model.manifest.params) == {"share": 0.25}
    with pytest.raises(UnknownNameError, match=r"must be one of \['share'\], but got 'shares'"):
        train(table, settings=replace(settings, params={"shares": 1}))
