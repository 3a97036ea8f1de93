"""Training goes on when MLflow fails, and runs of killed processes are marked."""

import signal
import time

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from warm_processes import WarmProcess

from archcost.datasets import CostTable
from archcost.errors import ArchcostWarning, MissingDataError, TrackingError
from archcost.models import CostModel
from archcost.spaces import NASBench201
from archcost.tracking import ExperimentSettings, compare, run_experiment, trial_logs
from archcost.tracking.mlflow_store import tracking_store
from archcost.tracking.tracker import Tracker

CELLS = NASBench201().sample(40, seed=0)
TABLE = CostTable.from_costs(
    "nasbench201", CELLS, 1.5 + 2.0 * (CELLS == 3).sum(axis=1), device="my_board"
)
SETTINGS = ExperimentSettings(predictors=("lookup", "ridge"), seeds=1)
KEY = "nasbench201-my_board-latency-cifar10"


def statuses():
    with tracking_store():
        runs = mlflow.search_runs(search_all_experiments=True)
    return dict(zip(runs["tags.archcost.role"], runs["status"], strict=True)) if len(runs) else {}


@pytest.fixture
def dead_server(workplace, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # the discard port: refused
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return workplace


def test_models_are_kept_where_the_server_is_down(dead_server):
    with pytest.warns(
        ArchcostWarning, match="MLflow logs nothing .*unset MLFLOW_TRACKING_URI"
    ) as w:
        experiment = run_experiment(TABLE, settings=SETTINGS, models_folder=dead_server / "models")
    assert len(w) == 1 and "\n" not in str(w[0].message)
    (choice,) = experiment.choices
    assert choice.folder == dead_server / "models" / KEY
    assert CostModel.load(choice.folder).predict(CELLS[0]) > 0
    assert set(choice.validation_spearman) == {"lookup", "ridge"}
    assert mlflow.active_run() is None
    with pytest.raises(TrackingError, match=r"failed in the store http.*see that its server"):
        compare()


@pytest.mark.parametrize("write", ["log_trial", "log_choice"])
def test_models_are_kept_where_mlflow_fails_on_the_way(workplace, monkeypatch, write):
    def fails(*args):
        raise MlflowException("the disk\nis full")

    monkeypatch.setattr(trial_logs, write, fails)
    with pytest.warns(ArchcostWarning, match="all else goes on: the disk; see that its disk") as w:
        experiment = run_experiment(TABLE, settings=SETTINGS, models_folder=workplace / "models")
    assert len(w) == 1
    assert experiment.store is None and experiment.choices[0].uri is None
    assert CostModel.load(workplace / "models" / KEY).manifest.training["n_train"] == 40
    assert mlflow.active_run() is None
    assert "RUNNING" not in statuses().values()
    assert statuses()["experiment"] == "FAILED"


def test_a_run_of_the_users_own_stays_open(workplace, monkeypatch):
    monkeypatch.setattr(trial_logs, "log_choice", lambda *args: 1 / 0)
    with tracking_store():
        with mlflow.start_run() as own, pytest.warns(ArchcostWarning, match="division by zero"):
            run_experiment(TABLE, settings=SETTINGS)
            assert mlflow.active_run().info.run_id == own.info.run_id
        assert mlflow.get_run(own.info.run_id).info.status == "FINISHED"


def test_ctrl_c_between_runs_leaves_none_open(workplace):
    with pytest.raises(KeyboardInterrupt), Tracker("mine") as tracker, tracker.run("a", "trial"):
        tracker.log(mlflow.start_run, nested=True)
        raise KeyboardInterrupt
    assert mlflow.active_run() is None
    with tracking_store():
        assert set(mlflow.search_runs(search_all_experiments=True)["status"]) == {"KILLED"}
    assert not list(workplace.glob(".mlflow.db.locks/*.running"))


HANGING = """
import pathlib, sys, time
from archcost.tracking.tracker import Tracker
with Tracker("killed") as tracker, tracker.run("parent", "experiment"), tracker.run("a", "trial"):
    running, go_on = map(pathlib.Path, sys.argv[1:])
    running.touch()
    while not go_on.exists():
        time.sleep(0.01)
"""


@pytest.mark.slow
def test_runs_of_killed_processes_are_marked_by_the_next_command(workplace, tmp_path):
    places = [(tmp_path / f"running {place}", tmp_path / f"go on {place}") for place in range(2)]
    killed, living = [WarmProcess("-c", HANGING, *paths) for paths in places]
    while not all(running.exists() for running, _ in places):
        assert killed.poll() is None, killed.communicate()
        assert living.poll() is None, living.communicate()
        time.sleep(0.01)
    with tracking_store():
        assert list(mlflow.search_runs(search_all_experiments=True)["status"]) == ["RUNNING"] * 4
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    with pytest.raises(MissingDataError, match="no finished trial"):
        compare()
    with tracking_store():
        status = mlflow.search_runs(search_all_experiments=True)["status"]
    assert sorted(status) == ["KILLED"] * 2 + ["RUNNING"] * 2
    places[1][1].touch()
    living.communicate()
    assert living.returncode == 0
    with tracking_store():
        status = mlflow.search_runs(search_all_experiments=True)["status"]
    assert sorted(status) == ["FINISHED"] * 2 + ["KILLED"] * 2
    assert not list(workplace.glob(".mlflow.db.locks/*.running"))
