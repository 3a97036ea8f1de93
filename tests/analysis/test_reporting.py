"""The report: one page that needs no other file, its PNGs and CSVs, and a run in MLflow."""

import base64
import re

import numpy as np
import pandas as pd
import pytest

from archcost.analysis import ReportSettings, proxy_costs, write_report
from archcost.analysis.reporting import short_labels
from archcost.cli.main import main
from archcost.datasets import CostKey, CostTable
from archcost.spaces import get_space

CELLS, NETS = get_space("nasbench201"), get_space("fbnet")
OPS = CELLS.sample(260, seed=0)


@pytest.fixture(autouse=True)
def own_store(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    proxies = proxy_costs(CELLS, OPS)
    cells = [
        CostTable.from_costs(
            CELLS, OPS, np.where(np.arange(260) < 4, np.nan, cost), device=device,
            status=["did_not_compile"] * 4 + ["ok"] * 256,
        )
        for device, cost in (
            ("slow", proxies["flops"] * rng.lognormal(sigma=0.1, size=260)),
            ("wide", proxies["activations"] * rng.lognormal(sigma=0.1, size=260)),
        )
    ]  # fmt: skip
    nets = NETS.sample(30, seed=0)
    other = CostTable.from_costs(NETS, nets, 1 + rng.random(30), device="slow")
    return CostTable.concat([*cells, other])


@pytest.fixture(scope="module")
def accuracy():
    flops = proxy_costs(CELLS, OPS)["flops"]
    return pd.Series(60 + np.log(flops), index=CELLS.format_many(OPS), name="accuracy")


SETTINGS = ReportSettings(predictors=("ridge",), sizes=(20, 40, 9999), seeds=1, curves=1)


def test_the_page_holds_everything(table, accuracy, tmp_path):
    page = write_report(table, tmp_path / "out", accuracy=accuracy, settings=SETTINGS)
    text = page.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', text)  # needs no other file
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    files = sorted(page.parent.glob("*.png"))
    assert sorted(base64.b64decode(p) for p in pictures) == sorted(f.read_bytes() for f in files)
    assert len(files) == 13
    for heading in (
        "Entries and why", "How far proxy costs", "How far devices agree",
        "search on one device", "Noise", "Learning curves", "Search space fbnet",
    ):  # fmt: skip
        assert heading in text
    counts = pd.read_csv(page.parent / "entries.csv", index_col="cost")
    assert counts.loc["nasbench201-slow-latency-cifar10"].to_dict() == {
        "ok": 256,
        "did_not_compile": 4,
    }
    assert len(pd.read_csv(page.parent / "nasbench201_proxies.csv")) == 6
    assert set(pd.read_csv(page.parent / "nasbench201_curves.csv")["n_train"]) == {20, 40}


def test_it_is_logged(table, tmp_path):
    import mlflow

    write_report(table.select(space="fbnet"), tmp_path / "out", settings=SETTINGS)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("archcost")
    [run] = client.search_runs([experiment.experiment_id])
    assert "fbnet_proxies_least_spearman" in run.data.metrics
    names = {file.path for file in client.list_artifacts(run.info.run_id, "report")}
    assert {"report/report.html", "report/fbnet_proxies_flops.png"} <= names


def test_accuracies_of_too_few_architectures_are_said(table, accuracy, tmp_path):
    cells = table.select(space="nasbench201")
    settings = ReportSettings(curves=0)
    page = write_report(cells, tmp_path, accuracy=accuracy[:1], settings=settings)
    assert "Left out: at least two architectures" in page.read_text()


def test_labels_are_as_short_as_they_can_be():
    keys = [
        CostKey("fbnet", device, metric, "cifar100")
        for device, metric in (("fpga", "latency"), ("fpga", "energy"), ("raspi4", "latency"))
    ]
    assert list(short_labels(keys).values()) == ["fpga latency", "fpga energy", "raspi4"]


def test_the_command(table, accuracy, tmp_path, capsys):
    table.write(tmp_path / "t.parquet")
    accuracy.rename_axis("arch").to_csv(tmp_path / "accuracy.csv")
    arguments = [
        "report", "--table", "t.parquet", "--devices", "slow,wide", "--accuracy", "accuracy.csv",
        "--curves", "0", "--out", "here", "--title", "Two <boards>",
    ]  # fmt: skip
    assert main(arguments) == 0
    assert "report.html: 3 costs, 550 entries" in capsys.readouterr().out
    text = (tmp_path / "here" / "report.html").read_text()
    assert "<h1>Two &lt;boards&gt;</h1>" in text
    assert "search on one device" in text
    assert main(["report", "--table", "t.parquet", "--published"]) == 2
    assert "one of --table and --published" in capsys.readouterr().err
