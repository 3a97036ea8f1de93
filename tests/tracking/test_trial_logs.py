"""What an experiment leaves in MLflow."""

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
from archcost.tracking import ExperimentSettings, compare, run_experiment
from archcost.tracking.mlflow_store import tracking_store

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
    assert "params.params" not in trial.index  # one by one instead, which MLflow can plot
    assert [name for name in trial.index if name.startswith("params.predictor.")] != []
    assert 0 < trial["metrics.spearman"] <= 1
    assert not [name for name in trial.index if name.endswith(("_low", "_high"))]  # in charts
    assert trial["metrics.train_seconds"] > 0
    with tracking_store():
        data = mlflow.get_run(trial["run_id"]).inputs.dataset_inputs[0].dataset
    assert data.name == KEY
    assert TABLE.sha256.startswith(data.digest)


def test_runs_are_named_by_what_differs(experiment):
    assert sorted(runs("trial")["tags.mlflow.runName"]) == [
        f"{predictor} · my_board · n=42 · seed {seed}"
        for predictor in ("lookup", "ridge")
        for seed in (0, 1)
    ]
    assert runs("experiment")["tags.mlflow.runName"][0] == "my_board · lookup, ridge"
    best = experiment.choices[0].model.manifest.predictor
    assert runs("chosen")["tags.mlflow.runName"][0] == f"{best} · my_board · n=60 · chosen"


def test_the_parent_says_what_came_out(experiment):
    parent, comparison = runs("experiment").iloc[0], compare("my boards")
    best = comparison.set_index("predictor").loc[parent["params.best_predictor"]]
    assert parent["params.best_predictor"] == experiment.choices[0].model.manifest.predictor
    assert parent["metrics.best_spearman"] == pytest.approx(best["spearman"])
    assert parent["metrics.best_spearman_spread"] == pytest.approx(best["spearman_std"])
    note = parent["tags.mlflow.note.content"]
    assert "| predictor | Spearman | Kendall | RMSE (ms) |" in note
    assert f"| {best.name} | {best['spearman']:.4f} ±{best['spearman_std']:.4f} |" in note


def test_descriptions_of_experiment_runs_and_models(experiment):
    choice = experiment.choices[0]
    with tracking_store():
        about = mlflow.get_experiment_by_name("my boards").tags
        logged = mlflow.get_logged_model(choice.uri.rpartition("/")[2]).tags
    assert about["mlflow.experimentKind"] == "custom_model_development"
    assert "tags.archcost.role = 'trial'" in about["mlflow.note.content"]
    scores = choice.model.manifest.scores
    row = [f"{scores[name]:.4g}" for name in ("spearman", "spearman_low", "spearman_high")]
    for page in (logged["mlflow.note.content"], runs("chosen")["tags.mlflow.note.content"][0]):
        assert "Predicts the latency in ms of nasbench201 architectures" in page
        assert "| Spearman's rank correlation | {} | {} to {} |".format(*row) in page
    assert logged["archcost.device"] == "my_board"


@pytest.mark.parametrize("role", ["experiment", "trial", "chosen"])
def test_the_searches_that_the_experiment_suggests_find_runs(experiment, role):
    with tracking_store():
        found = mlflow.search_runs(
            experiment_names=["my boards"], filter_string=f"tags.archcost.role = '{role}'"
        )
    assert len(found) == {"experiment": 1, "trial": 4, "chosen": 1}[role]


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
    assert info.signature.outputs.required_input_names() == ["latency_ms"]
    assert info.saved_input_example_info is not None
    assert np.allclose(answer["latency_ms"], choice.model.predict(CELLS[:3]))


@pytest.fixture(scope="module")
def server(experiment):
    """Serve the model as `mlflow models serve` does, without the seconds that its start takes."""
    with tracking_store():  # quiet: MLflow's own code warns when imported
        from fastapi.testclient import TestClient
        from mlflow.pyfunc import scoring_server

        app = scoring_server.init(mlflow.pyfunc.load_model(experiment.choices[0].uri))
        yield TestClient(app)


def asked(server, archs, **more):
    return server.post(
        "/invocations", json={"dataframe_split": {"columns": ["arch"], "data": archs}, **more}
    )


def test_the_logged_model_can_be_served(experiment, server):
    archs = [[arch] for arch in NASBench201().format_many(CELLS)]
    rows = asked(server, archs).json()["predictions"]
    expected = experiment.choices[0].model.predict(CELLS)
    assert [row["latency_ms"] for row in rows] == pytest.approx(list(expected))
    assert list(rows[0]) == ["latency_ms"]


def test_the_server_takes_indices_strings_and_lists_of_ops(experiment, server):
    cell, space = NASBench201().parse(1462), NASBench201()
    ops = [space.slots[name][op] for name, op in zip(space.slots, cell, strict=True)]
    rows = asked(server, [[1462], [space.format(cell)], [ops]]).json()["predictions"]
    expected = experiment.choices[0].model.predict(cell)
    assert [row["latency_ms"] for row in rows] == pytest.approx([expected] * 3)
    for index in (1462, "1462", 1462.0):
        records = server.post("/invocations", json={"dataframe_records": [{"arch": index}]})
        assert records.json() == {"predictions": rows[:1]}


def test_the_server_answers_with_standard_deviations(experiment, server):
    answer = asked(server, [[1462], [7]], params={"return_std": True}).json()["predictions"]
    cells = [NASBench201().parse(index) for index in (1462, 7)]
    _, stds = experiment.choices[0].model.predict(np.array(cells), return_std=True)
    assert [row["latency_ms_std"] for row in answer] == pytest.approx(list(stds))


@pytest.mark.parametrize("arch", ["nonsense", 15625, None, [1, 2]])
def test_the_server_answers_a_bad_architecture_with_400(server, arch):
    answer = asked(server, [[1462], [arch]])
    assert answer.status_code == 400
    assert "architecture 1: " in answer.json()["message"]
    assert "stack_trace" not in answer.json() and "Traceback" not in answer.text


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
