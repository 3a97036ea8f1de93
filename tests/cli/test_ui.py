"""The command ui: the right page of the right store, on a port that is free."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from types import SimpleNamespace

import mlflow
import pytest

from archcost.cli import ui
from archcost.cli.main import main
from archcost.tracking.mlflow_store import tracking_store
from archcost.tracking.tracker import Tracker


@pytest.fixture(scope="module")
def store(shared_workplace):
    for name in ("old", "new"):
        with Tracker(name) as tracker, tracker.run("a run", "trial"):
            pass
    return shared_workplace


def arguments(**given):
    return SimpleNamespace(**{"experiment": None, "trials": False, "device": None, **given})


def test_the_page_is_that_of_the_latest_experiment(store):
    with tracking_store():
        number = mlflow.get_experiment_by_name("new").experiment_id
        page = ui.page_of(arguments())
    view = "workflowType=machine_learning&viewStateShareKey=trainings"
    assert page == f"/#/experiments/{number}/runs?{view}"


def test_a_page_of_trials_of_a_device_of_another_experiment(store):
    with tracking_store():
        number = mlflow.get_experiment_by_name("old").experiment_id
        page = ui.page_of(arguments(experiment="old", trials=True, device="raspi4"))
    place, _, query = page.partition("?")
    assert place == f"/#/experiments/{number}/runs"
    view = dict(urllib.parse.parse_qsl(query))
    assert view["compareRunsMode"] == "CHART"
    search = "tags.archcost.role = 'trial' and tags.archcost.device = 'raspi4'"
    assert view["searchFilter"] == search


def test_the_views_that_an_experiment_offers_find_its_runs(store):
    with tracking_store():
        tags = mlflow.get_experiment_by_name("new").tags
        view = json.loads(tags["mlflow.sharedViewState.trials"])
        search = json.loads(view["state"])["searchFilter"]
        found = mlflow.search_runs(experiment_names=["new"], filter_string=search)
    assert view["name"] == "Trials, every predictor and seed"
    assert list(found["tags.mlflow.runName"]) == ["a run"]


def test_an_experiment_that_is_not_there_is_said(store, capsys):
    assert main(["ui", "--experiment", "nothing"]) == 2
    assert "experiment must be one of ['Default', 'new', 'old']" in capsys.readouterr().err


def test_a_folder_without_a_store_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["ui"]) == 2
    assert "there is no MLflow store" in capsys.readouterr().err


def test_a_taken_port_gives_way_to_the_next():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert ui.free_port("127.0.0.1", port) != port


def test_the_page_of_a_server_is_opened_without_starting_one(store, monkeypatch, capsys):
    opened = []
    monkeypatch.setenv("BROWSER", "some")
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    monkeypatch.setattr(ui, "page_of", lambda _: "/#/experiments/7/runs")
    monkeypatch.setattr(
        "archcost.tracking.mlflow_store.tracking_store", _server("http://server:5000/")
    )
    assert main(["ui"]) == 0
    assert opened == ["http://server:5000/#/experiments/7/runs"]
    assert capsys.readouterr().out.strip() == opened[0]


def test_without_a_browser_the_address_is_printed(store, monkeypatch, capsys):
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    monkeypatch.setattr(ui, "page_of", lambda _: "/#/experiments/7/runs")
    monkeypatch.setattr(
        "archcost.tracking.mlflow_store.tracking_store", _server("http://server:5000")
    )
    assert main(["ui"]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == "http://server:5000/#/experiments/7/runs"
    assert "no browser was found here" in err


@pytest.mark.slow
@pytest.mark.skipif(signal.getsignal(signal.SIGINT) == signal.SIG_IGN, reason="Ctrl-C is ignored")
def test_the_interface_runs_until_ctrl_c(store):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "archcost", "ui", "--no-browser", "--json"]
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            text = "".join(iter(process.stdout.readline, "}\n")) + "}"
            url = json.loads(text)["url"]
            server = url.partition("/#")[0]
            with urllib.request.urlopen(server) as page:
                assert b"MLflow" in page.read()
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
    assert f"port {port} is taken; the interface uses" in said
    assert process.returncode == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(server)


def _server(uri):
    class Store:
        def __enter__(self):
            return uri

        def __exit__(self, *_):
            pass

    return Store
