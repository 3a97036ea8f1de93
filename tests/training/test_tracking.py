"""What an experiment leaves in MLflow."""

import json
import threading
import time
import urllib.request
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

import archcost
from archcost.datasets import CostTable
from archcost.errors import MissingDataError
from archcost.models import CostModel
from archcost.spaces import NASBench201
from archcost.training import ExperimentSettings, compare, run_experiment
from archcost.training.mlflow_store import tracking_store

CELLS = NASBench201().sample(60, seed=0)
COST = 1.5 + 2.0 * (CELLS == 3).sum(axis=1) + 0.5 * (CELLS == 2).sum(axis=1)
KEY = "nasbench201-my_board-latency-cifar10"
TABLE = CostTable.from_costs("nasbench201", CELLS, COST, device="my_board")


@pytest.fixture(scope="module")
def experiment(shared_workplace):
    settings = ExperimentSettings(predictors=("lookup", "ridge"), seeds=2, experiment="my boards")
    return run_experiment(TABLE, settings=settings, models_folder=shared_workplace / "models")


def runs(role):
    with tracking_store():
        return mlflow.search_runs(
            search_all_experiments=True, filter_string=f"tags.`archcost.role` = '{role}'"
        )


def test_one_parent_and_a_child_for_each_trial(experiment):
    parents, trials = runs("experiment"), runs("trial")
    assert list(parents["run_id"]) == [experiment.run_id]
    assert len(trials) == 4
    assert set(trials["tags.mlflow.parentRunId"]) == {experiment.run_id}
    assert set(trials["status"]) == {"FINISHED"}
    with tracking_store():
        assert mlflow.get_experiment(trials["experiment_id"][0]).name == "my boards"


def test_trials_hold_parameters_metrics_and_the_dataset(experiment):
    trial = runs("trial").query("`params.predictor` == 'ridge'").iloc[0]
    assert trial["params.key"] == KEY
    assert trial["params.table_sha256"] == TABLE.sha256
    assert trial["params.n_train"] == "42"
    assert "seed" not in json.loads(trial["params.params"])
    assert trial["metrics.spearman_low"] <= trial["metrics.spearman"]
    assert trial["metrics.train_seconds"] > 0
    with tracking_store():
        data = mlflow.get_run(trial["run_id"]).inputs.dataset_inputs[0].dataset
    assert data.name == KEY
    assert TABLE.sha256.startswith(data.digest)


def test_trials_hold_plots(experiment):
    with tracking_store():
        client = mlflow.MlflowClient()
        files = {file.path for file in client.list_artifacts(runs("trial")["run_id"][0])}
    assert {"scatter.png", "residuals.png"} <= files


def test_the_logged_model_predicts_as_pyfunc(experiment):
    choice = experiment.choices[0]
    with tracking_store():
        served = mlflow.pyfunc.load_model(choice.uri)
        info = mlflow.models.get_model_info(choice.uri)
        answer = served.predict(pd.DataFrame({"arch": NASBench201().format_many(CELLS[:3])}))
    assert info.signature.inputs.input_names() == ["arch"]
    assert info.signature.outputs.input_names() == ["latency_ms"]
    assert info.saved_input_example_info is not None
    assert np.allclose(answer["latency_ms"], choice.model.predict(CELLS[:3]))


def test_the_logged_model_can_be_served(experiment):
    choice = experiment.choices[0]
    question = {"columns": ["arch"], "data": [[arch] for arch in NASBench201().format_many(CELLS)]}
    with tracking_store():  # quiet: MLflow's own code warns when imported
        import uvicorn
        from mlflow.pyfunc import scoring_server

        app = scoring_server.init(mlflow.pyfunc.load_model(choice.uri))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/invocations",
            json.dumps({"dataframe_split": question}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                rows = json.load(answer)["predictions"]
        finally:
            server.should_exit = True
            thread.join()
    assert [row["latency_ms"] for row in rows] == pytest.approx(list(choice.model.predict(CELLS)))


def test_no_code_is_pickled_into_the_logged_model(experiment):
    with tracking_store():
        folder = Path(mlflow.artifacts.download_artifacts(experiment.choices[0].uri))
    suffixes = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert not suffixes & {".pkl", ".pickle", ".py", ".pt"}
    assert folder.parents[2].name == "my_boards"  # under mlartifacts, beside the store


def test_the_best_by_validation_is_saved_and_found(experiment, shared_workplace):
    choice = experiment.choices[0]
    means = choice.validation_spearman
    assert means[choice.model.manifest.predictor] == max(means.values())
    assert choice.folder == shared_workplace / "models" / KEY
    saved = CostModel.load(choice.folder)
    assert saved.manifest.training["n_train"] == 60
    assert archcost.predict(CELLS[0], "my_board") == pytest.approx(saved.predict(CELLS[0]))


def test_compare_averages_over_seeds_best_first(experiment):
    comparison = compare("my boards")
    assert list(comparison["seeds"]) == [2, 2]
    assert comparison["spearman"].is_monotonic_decreasing
    trials = runs("trial").query("`params.predictor` == 'ridge'")
    ridge = comparison.query("predictor == 'ridge'").iloc[0]
    assert ridge["kendall"] == pytest.approx(trials["metrics.kendall"].mean())
    assert ridge["rmse_std"] == pytest.approx(trials["metrics.rmse"].std())


def test_compare_chooses_by_experiment_and_device(experiment):
    assert len(compare(device="my_board", space="nasbench201")) == 2
    with pytest.raises(MissingDataError, match=r"experiment must be one of .*my boards.* 'board'"):
        compare("board")
    with pytest.raises(MissingDataError, match="no finished trial of raspi4 was logged"):
        compare(device="raspi4")
