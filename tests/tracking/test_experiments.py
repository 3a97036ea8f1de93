"""How experiments run: choosing, stopping, where they are tracked."""

import contextlib
import math
import signal
from types import SimpleNamespace

import mlflow
import pytest

from archcost.datasets import CostTable
from archcost.errors import ArchcostError, MissingDataError
from archcost.models import CostModel
from archcost.spaces import NASBench201
from archcost.tracking import ExperimentSettings, compare, learning_curve, run_experiment
from archcost.tracking import experiments as experiments_module
from archcost.tracking import learning_curves as curves_module
from archcost.tracking.experiments import mean_validation
from archcost.tracking.mlflow_store import tracking_store
from archcost.training import TrainSettings

CELLS = NASBench201().sample(60, seed=0)
COST = 1.5 + 2.0 * (CELLS == 3).sum(axis=1) + 0.5 * (CELLS == 2).sum(axis=1)
KEY = "nasbench201-my_board-latency-cifar10"
TABLE = CostTable.from_costs("nasbench201", CELLS, COST, device="my_board")
SETTINGS = ExperimentSettings(predictors=("lookup", "ridge"), seeds=1)


def mlflow_status(run_id):
    with tracking_store():
        return mlflow.get_run(run_id).info.status


def test_compare_counts_a_trial_that_ran_twice_once(workplace):
    first = run_experiment(TABLE, settings=SETTINGS)
    run_experiment(TABLE, settings=SETTINGS)
    assert list(compare()["seeds"]) == [1, 1]
    assert len(compare(run_id=first.run_id)) == 2


def test_ctrl_c_keeps_what_is_finished(workplace, monkeypatch):
    calls = []
    original = experiments_module.run_trial

    def stopped(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(experiments_module, "run_trial", stopped)
    experiment = run_experiment(TABLE, settings=SETTINGS, models_folder=workplace / "models")
    assert experiment.interrupted
    assert mlflow_status(experiment.run_id) == "KILLED"
    assert list(compare()["predictor"]) == ["lookup"]
    saved = CostModel.load(workplace / "models" / KEY)
    assert saved.manifest.training["n_train"] == 42  # no refit: the user wants it to end


def test_the_store_is_the_one_of_the_environment(workplace, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{workplace}/mlflow.db")
    with tracking_store() as uri:
        assert uri == f"sqlite:///{workplace}/mlflow.db"


def test_a_store_that_is_not_there_is_not_made_by_reading(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingDataError, match=r"no MLflow store .*mlflow.db; run this where"):
        compare()
    assert not (tmp_path / "mlflow.db").exists()


def test_nothing_is_printed(workplace, capfd):
    run_experiment(TABLE, settings=ExperimentSettings(("lookup",), seeds=1))
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_constant_predictions_lose_the_choice():
    def trial(predictor, spearman):
        return SimpleNamespace(settings=TrainSettings(predictor), validation_spearman=spearman)

    trials = [trial("lookup", math.nan), trial("ridge", 0.2), trial("ridge", -0.1)]
    assert mean_validation(trials) == {"lookup": -1.0, "ridge": pytest.approx(0.05)}


def test_settings_must_make_sense():
    with pytest.raises(ArchcostError, match="at least one predictor and one seed"):
        ExperimentSettings(seeds=0)
    with pytest.raises(ArchcostError, match="did you mean 'ridge'"):
        ExperimentSettings(predictors=("rigde",))


def test_ctrl_c_that_a_predictor_swallows_still_ends(workplace, monkeypatch):
    original = experiments_module.run_trial

    def swallowing(*args):
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGINT)
        return original(*args)

    monkeypatch.setattr(experiments_module, "run_trial", swallowing)
    monkeypatch.setattr(curves_module, "run_trial", swallowing)
    experiment = run_experiment(TABLE, settings=SETTINGS)
    assert experiment.interrupted
    assert list(compare()["predictor"]) == ["lookup"]  # finished, and no other one was begun
    with pytest.raises(KeyboardInterrupt):
        learning_curve(TABLE, predictors=["lookup"], sizes=[20], seeds=[0])
