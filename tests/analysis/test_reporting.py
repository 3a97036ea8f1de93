"""The report: one page that needs no other file, its PNGs and CSVs, and a run in MLflow."""

import base64
import json
import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import vl_convert

from archcost import load
from archcost.analysis import ReportSettings, proxy_costs, write_report
from archcost.analysis.proxies import PROXIES
from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.models import manifests
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


@pytest.fixture(scope="module")
def page(table, accuracy, shared_workplace):
    return write_report(table, shared_workplace / "out", accuracy=accuracy, settings=SETTINGS)


def test_the_page_holds_everything(page):
    text = page.read_text()
    html = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', html)  # needs no other file
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    files = {file.name: file.read_bytes() for file in page.parent.glob("*.png")}
    charted = {"nasbench201_agreement_map.png", "nasbench201_search_fronts.png"}
    charted |= {
        f"{space}_proxies_{name}.png" for space in ("fbnet", "nasbench201") for name in PROXIES
    }
    shown = [content for name, content in files.items() if name not in charted]
    assert sorted(base64.b64decode(p) for p in pictures) == sorted(shown)
    assert len(files) == 14
    assert {file.stem for file in page.parent.glob("*.pdf")} == {name[:-4] for name in files}
    assert page.stat().st_size < 2_000_000
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


def test_the_contents_lead_to_every_section_with_what_came_out(page):
    text = page.read_text()
    contents = text[text.index("<nav") : text.index("</nav>")]
    links = re.findall(r'<a href="#([^"]+)">', contents)
    assert links == re.findall(r'<h[23] id="([^"]+)">', text)
    assert len(links) == 12
    assert "FLOPs rank the slow cost with Spearman" in contents  # fbnet has one device
    assert "FLOPs rank costs with Spearman" in contents  # nasbench201 has two
    assert "550 entries of 3 costs, 542 with a value." in contents


def charts_of(page):
    text = page.read_text()
    found = re.search(r"const charts = (\{.*?\n\});", text, re.DOTALL)
    return json.loads(found[1])


def test_the_charts_are_valid_and_hold_every_device(page, table):
    charts = charts_of(page)
    assert set(charts) == {
        "nasbench201_proxies_chart", "nasbench201_agreement_map_chart", "nasbench201_search_chart",
        "fbnet_proxies_chart",
    }  # fmt: skip
    for chart in charts.values():
        assert "<svg" in vl_convert.vegalite_to_svg(chart | {"width": 400})
    proxies = charts["nasbench201_proxies_chart"]
    assert [param["bind"]["options"] for param in proxies["params"]] == [
        ["slow", "wide"],
        ["flops", "params", "activations"],
    ]
    ops, cost = table.costs("nasbench201-slow-latency-cifar10")
    shown = {row["arch"]: row for row in proxies["data"]["values"]}
    for arch, value in list(zip(CELLS.format_many(ops), cost, strict=True))[:5]:
        assert shown[arch]["slow"] == pytest.approx(value, rel=1e-3)
        flops = proxy_costs(CELLS, CELLS.parse_many([arch]))["flops"][0]
        assert shown[arch]["flops cifar10"] == pytest.approx(flops, rel=1e-3)


def test_a_users_device_among_the_known(table, tmp_path):
    settings = ReportSettings(curves=0, device="slow")
    page = write_report(table.select(space="fbnet"), tmp_path, settings=settings)
    rows = pd.read_csv(tmp_path / "fbnet_slow_among_known.csv")
    known = {manifest.key.device: manifest for manifest in manifests()}
    assert {"raspi4", "eyeriss_like"} <= set(rows["device"])
    assert rows["spearman"].is_monotonic_decreasing
    ops, cost = table.costs("fbnet-slow-latency-cifar100")
    predicted = load("raspi4", space="fbnet").predict(ops)
    expected = scipy.stats.spearmanr(cost, predicted).statistic
    assert rows.set_index("device").loc["raspi4", "spearman"] == pytest.approx(expected)
    assert rows.set_index("device").loc["raspi4", "kind"] == known["raspi4"].device.kind
    assert f"slow ranks architectures most like {rows['device'][0]} (" in page.read_text()


def test_it_is_logged(table, tmp_path):
    import mlflow

    settings = ReportSettings(predictors=("ridge",), sizes=(10, 15), seeds=1, curves=1)
    write_report(table.select(space="fbnet"), tmp_path / "out", settings=settings)
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("archcost")
    role = "tags.`archcost.role` = 'report'"
    [run] = client.search_runs([experiment.experiment_id], role)
    assert run.info.run_name == "report · slow"
    assert "fbnet_proxies_least_spearman" in run.data.metrics
    names = {file.path for file in client.list_artifacts(run.info.run_id, "report")}
    assert {"report/report.html", "report/fbnet_proxies_flops.png"} <= names
    [curve] = client.search_runs(
        [experiment.experiment_id], "tags.archcost.role = 'learning curve'"
    )
    assert curve.info.run_name == "ridge · slow · learning curve"
    points = client.get_metric_history(curve.info.run_id, "learning_curve/spearman")
    table = pd.read_csv(tmp_path / "out" / "fbnet_curves.csv")
    assert {point.step: point.value for point in points} == pytest.approx(
        dict(zip(table["n_train"], table["spearman"], strict=True))
    )


def test_accuracies_of_too_few_architectures_are_said(table, accuracy, tmp_path):
    cells = table.select(space="nasbench201")
    settings = ReportSettings(curves=0)
    page = write_report(cells, tmp_path, accuracy=accuracy[:1], settings=settings)
    assert "Left out: at least two architectures" in page.read_text()


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
