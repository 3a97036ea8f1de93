"""The command show: all that is known of a device's models, as text, JSON and pages."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import vl_convert

from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.models import CostModel
from archcost.spaces import NASBench201
from archcost.training import TrainSettings, train

CELLS = NASBench201().sample(200, seed=0)
KEY = "nasbench201-my_board-latency-cifar10"


@pytest.fixture(scope="module")
def table():
    noise = np.random.default_rng(0).lognormal(sigma=0.03, size=len(CELLS))
    cost = (1.5 + 2.0 * (CELLS == 3).sum(axis=1) + 0.5 * (CELLS == 2).sum(axis=1)) * noise
    return CostTable.from_costs("nasbench201", CELLS, cost, device="my_board")


@pytest.fixture(scope="module")
def model(shared_workplace, table):
    model = train(table, settings=TrainSettings(predictor="ridge"))
    model.save(shared_workplace / "models" / KEY)
    return model


def shown(capsys, *more):
    assert main(["show", "my_board", "--out", "pages", "--json", "--quiet", *more]) == 0
    [facts] = json.loads(capsys.readouterr().out)
    return facts


def test_errors_and_calibration_are_those_of_held_out_rows(model, capsys):
    facts = shown(capsys)
    kept = model.held_out
    error = np.abs(kept.predicted / kept.truth - 1)
    assert facts["errors"]["n"] == len(kept.truth) == 40  # a fifth of the rows
    assert facts["errors"]["median"] == pytest.approx(np.median(error))
    assert facts["errors"]["largest"] == pytest.approx(abs(facts["errors"]["worst"][0]["error"]))
    assert facts["scores"]["within_10_percent"] == pytest.approx(np.mean(error <= 0.1))
    level = facts["calibration"]["0.9"]
    sigma = np.sqrt(np.log1p((kept.stds / kept.predicted) ** 2))
    z = (np.log(kept.truth) - np.log(kept.predicted) + sigma**2 / 2) / sigma
    assert level == pytest.approx(np.mean(np.abs(z) <= 1.6448536))


def test_held_out_predictions_survive_saving(model, shared_workplace):
    loaded = CostModel.load(shared_workplace / "models" / KEY).held_out
    assert loaded.archs == model.held_out.archs
    assert np.array_equal(loaded.truth, model.held_out.truth)
    assert np.array_equal(loaded.stds, model.held_out.stds)


def test_drivers_and_nearest_devices(model, capsys):
    facts = shown(capsys)
    assert 0.5 < max(facts["drivers"].values()) <= 1
    assert len(facts["nearest"]) == 6
    assert list(facts["nearest"].values()) == sorted(facts["nearest"].values(), reverse=True)
    assert all(key.startswith("nasbench201-") for key in facts["nearest"])


def test_the_page_needs_no_other_file_and_its_chart_draws(model, capsys):
    page = Path(shown(capsys)["page"])
    text = page.read_text(encoding="utf-8")
    assert page.name == f"{KEY}.html"
    html = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!#)', html)
    assert len(text) < 2_000_000
    for heading in ("The device", "Scores", "Errors", "Calibration", "Who measured what"):
        assert f">{heading}</h2>" in text
    chart = json.loads(re.search(r"const charts = (\{.*?\n\});", text, re.DOTALL)[1])["residuals"]
    assert "<svg" in vl_convert.vegalite_to_svg(chart | {"width": 300})


def test_a_table_takes_the_place_of_kept_rows(model, table, tmp_path, capsys):
    new = CostTable.from_costs("nasbench201", CELLS[:20], np.full(20, 5.0), device="my_board")
    facts = shown(capsys, "--table", str(new.write(tmp_path / "new.parquet")))
    expected = np.median(np.abs(model.predict(CELLS[:20]) / 5.0 - 1))
    assert facts["errors"]["median"] == pytest.approx(expected)
    facts = shown(capsys, "--table", str(table.write(tmp_path / "old.parquet")))
    assert "FROM WHICH THE MODEL HAS LEARNED" in facts["errors"]["rows"]


def test_the_text_of_a_shipped_model_says_what_is_missing(shared_workplace, capsys):
    assert main(["show", "raspi4", "--space", "fbnet", "--out", "pages"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("fbnet-raspi4-latency-cifar100\n")
    assert "costs by: HW-NAS-Bench (Li et al., ICLR 2021)" in out
    assert "were not kept with it" in out
    assert "page: pages/fbnet-raspi4-latency-cifar100.html" in err


def test_an_unknown_device_is_told_the_nearest(shared_workplace, capsys):
    assert main(["show", "raspi5"]) == 2
    assert "did you mean 'raspi4'?" in capsys.readouterr().err
