"""The default store: whole or not there, named when damaged, and free to move with its folder."""

import contextlib
import os
import shutil
import sqlite3
import warnings

import mlflow
import numpy as np
import pytest

from archcost.datasets import CostTable
from archcost.errors import ArchcostWarning, MissingDataError, TrackingError
from archcost.spaces import NASBench201
from archcost.tracking import ExperimentSettings, compare, load_registered, register, run_experiment
from archcost.tracking.mlflow_store import tracking_store
from archcost.tracking.sqlite_store import lock_folder, sqlite_file

CELLS = NASBench201().sample(40, seed=0)
TABLE = CostTable.from_costs(
    "nasbench201", CELLS, 1.5 + 2.0 * (CELLS == 3).sum(axis=1), device="my_board"
)
SETTINGS = ExperimentSettings(predictors=("lookup",), seeds=1)
KEY = "nasbench201-my_board-latency-cifar10"
URI = f"models:/{KEY}@champion"


def write(file, *statements):
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        for statement in statements:
            database.execute(statement)


@pytest.fixture
def registered(workplace, monkeypatch):
    """Work in a folder with a store that holds a registered model; return the folder."""
    home = workplace / "first place"
    home.mkdir()
    shutil.copy(workplace / "mlflow.db", home)
    monkeypatch.chdir(home)
    run_experiment(TABLE, settings=SETTINGS)
    register(KEY)
    return home


def test_a_new_store_appears_whole_and_leaves_nothing_else(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    abandoned = tmp_path / ".mlflow.db.making-by-a-killed-process"
    abandoned.mkdir()
    (tmp_path / "mlflow.db").touch()  # as SQLite leaves it where a process was killed early
    with pytest.raises(MissingDataError, match="no MLflow store"):
        compare()
    with tracking_store(create=True):
        assert mlflow.search_experiments()
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", ".mlflow.db.locks"}
    with pytest.raises(MissingDataError, match="no finished trial"):
        compare()


def test_a_store_is_not_seen_before_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    seen = []
    copyfile = shutil.copyfile

    def look(source, target):
        seen.append((tmp_path / "mlflow.db").exists())
        return copyfile(source, target)

    monkeypatch.setattr("archcost.tracking.sqlite_store.shutil.copyfile", look)
    with tracking_store(create=True):
        pass
    assert seen == [False]


def test_a_half_made_store_is_named_and_the_models_are_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    write("mlflow.db", "CREATE TABLE experiments (experiment_id INTEGER)")
    message = r"mlflow\.db is half made, .* holds no runs .*; move it away \(mv .*\.half\) and run"
    with pytest.raises(TrackingError, match=message):
        compare()
    with pytest.warns(ArchcostWarning, match=f"MLflow logs nothing from here on.*{message}"):
        experiment = run_experiment(TABLE, settings=SETTINGS, models_folder=tmp_path / "models")
    (choice,) = experiment.choices
    assert (choice.uri, experiment.store, experiment.run_id) == (None, None, None)
    assert (tmp_path / "models" / KEY / "manifest.json").is_file()
    (tmp_path / "mlflow.db").rename(tmp_path / "mlflow.half")  # as the message says
    assert run_experiment(TABLE, settings=SETTINGS).store is not None


def test_a_file_that_is_no_store_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlflow.db").write_bytes(b"no database" * 1000)
    with pytest.raises(TrackingError, match=r"is no SQLite file or a damaged one .*move it away"):
        compare()


def test_a_store_of_another_version_keeps_its_runs(registered):
    write("mlflow.db", "UPDATE alembic_version SET version_num = 'of_the_future'")
    # MLflow keeps the stores that it has opened: another path makes it look again.
    shutil.copy("mlflow.db", "other.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{registered}/other.db")
        with pytest.raises(TrackingError, match=r"another version .* 3 runs .*mlflow db upgrade"):
            compare()


def test_a_moved_folder_keeps_its_models_and_is_written_to(registered, monkeypatch):
    expected = load_registered(URI).predict(CELLS)
    moved = registered.rename(registered.parent / "second place, ünusual %20")
    monkeypatch.chdir(moved)
    with pytest.warns(ArchcostWarning, match="was moved from .*first place; its artifacts are"):
        model = load_registered(URI)
    np.testing.assert_array_equal(model.predict(CELLS), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        np.testing.assert_array_equal(load_registered(f"models:/{KEY}/1").predict(CELLS), expected)
        run_experiment(TABLE, settings=SETTINGS)
        register(KEY)
        np.testing.assert_array_equal(load_registered(URI).predict(CELLS), expected)
    assert not registered.exists()
    assert len(list(moved.glob("mlartifacts/archcost/*/*/artifacts/data/cost_model"))) == 4
    with tracking_store():
        client = mlflow.MlflowClient()
        runs = mlflow.search_runs(search_all_experiments=True)
        for run_id in runs["run_id"]:
            assert client.get_run(run_id).info.artifact_uri.startswith(moved.as_uri())
        trial = runs[runs["tags.archcost.role"] == "trial"]["run_id"].iloc[0]
        assert {file.path for file in client.list_artifacts(trial)} >= {"scatter.png"}


def test_a_copied_folder_stands_alone(registered, monkeypatch):
    copy = shutil.copytree(registered, registered.parent / "copy")
    monkeypatch.chdir(copy)
    with pytest.warns(ArchcostWarning, match="was moved from"):
        load_registered(URI)
    before = sorted(registered.rglob("*"))
    run_experiment(TABLE, settings=SETTINGS)
    assert sorted(registered.rglob("*")) == before


def test_artifacts_that_stayed_behind_are_found_there(registered, monkeypatch):
    elsewhere = registered.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.move("mlflow.db", elsewhere)
    monkeypatch.chdir(elsewhere)
    assert load_registered(URI).predict(CELLS[0]) > 0


def test_the_same_folder_by_another_path_is_no_move(registered, monkeypatch):
    link = registered.parent / "link"
    link.symlink_to(registered)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{link}/mlflow.db")
    assert load_registered(URI).predict(CELLS[0]) > 0


def test_uris_of_sqlite_files_and_their_locks(tmp_path):
    assert sqlite_file(f"sqlite:///{tmp_path}/my.db") == tmp_path / "my.db"
    assert lock_folder(f"sqlite:///{tmp_path}/my.db") == tmp_path / ".my.db.locks"
    for uri in ("http://localhost:5000", "sqlite:///:memory:", "file:./mlruns"):
        assert sqlite_file(uri) is None
        assert os.fspath(lock_folder(uri)) != os.fspath(lock_folder(f"{uri}2"))
