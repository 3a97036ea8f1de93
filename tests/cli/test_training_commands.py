"""The commands train, evaluate, compare and register, from a user's table to a prediction."""

import numpy as np
import pytest

import archcost
from archcost.cli.main import main
from archcost.datasets import CostKey, CostTable
from archcost.spaces import NASBench201
from archcost.tracking import ExperimentSettings

CELLS = NASBench201().sample(60, seed=0)
MINE = "from archcost.predictors import RidgePredictor\n\nclass Mine(RidgePredictor): ..."
COST = 1.5 + 2.0 * (CELLS == 3).sum(axis=1) + 0.5 * (CELLS == 2).sum(axis=1)
KEY = "nasbench201-my_board-latency-cifar10"


@pytest.fixture
def csv(workplace):
    path = workplace / "my.csv"
    rows = zip(NASBench201().format_many(CELLS), COST, strict=True)
    path.write_text("\n".join(["arch,latency_ms", *(f"{arch},{cost}" for arch, cost in rows)]))
    return path


def train(*more):
    quick = ("--predictors", "lookup,ridge", "--seeds", "1")
    return main(["train", "--device", "my_board", *quick, *more])


def test_one_line_from_a_csv_to_a_model_that_predicts(csv, workplace, capsys):
    assert train("--table", str(csv)) == 0
    out, err = capsys.readouterr()
    assert f"{KEY}: 42 rows to learn from, 12 held out to test on" in out
    assert f"saved in {workplace / 'models' / KEY}" in out
    assert "chosen on validation rows, not by the test scores above" in out
    assert "to see it all in MLflow: archcost ui" in err
    assert archcost.predict(CELLS[0], "my_board") == pytest.approx(COST[0], rel=0.05)
    assert main(["predict", NASBench201().format(CELLS[0]), "--device", "my_board"]) == 0


def test_a_parquet_table_with_several_devices(workplace, capsys):
    tables = [
        CostTable.from_costs("nasbench201", CELLS, scale * COST, device=device)
        for device, scale in {"my_board": 1, "other": 2}.items()
    ]
    path = CostTable.concat(tables).write(workplace / "both.parquet")
    assert train("--table", str(path)) == 0
    assert "other" not in capsys.readouterr().out
    assert main(["train", "--table", str(path), "--predictors", "lookup", "--seeds", "1"]) == 0
    out = capsys.readouterr().out
    assert "my_board" in out
    assert "nasbench201-other-latency-cifar10: lookup chosen" in out


def test_a_device_measured_without_a_name_is_named_when_it_is_asked_for(workplace, capsys):
    path = workplace / "mine.parquet"
    CostTable.from_costs("nasbench201", CELLS, COST, device="cpu_onnxruntime").write(path)
    assert train("--table", str(path), "--dry-run") == 0
    out, err = capsys.readouterr()
    assert KEY in out
    assert "the costs of cpu_onnxruntime are named my_board" in err
    assert main(["train", "--table", str(path), "--device", "raspi4", "--dry-run"]) == 2
    assert "must be one of ['cpu_onnxruntime']" in capsys.readouterr().err


def test_compare_and_register_follow(csv, capsys):
    train("--table", str(csv))
    capsys.readouterr()
    assert main(["compare", "--device", "my_board"]) == 0
    out = capsys.readouterr().out
    assert "Spearman" in out
    assert "RMSE (ms)" in out
    assert main(["register", "--device", "my_board"]) == 0
    uri = capsys.readouterr().out.strip()
    assert uri == f"models:/{KEY}@champion"
    assert main(["evaluate", "--table", str(csv), "--device", "my_board", "--model", uri]) == 0


def test_compare_as_a_page(csv, workplace, capsys):
    train("--table", str(csv))
    capsys.readouterr()
    assert main(["compare", "--html", "out/comparison.html"]) == 0
    shown, err = capsys.readouterr()
    page = (workplace / "out" / "comparison.html").read_text()
    assert "page: out/comparison.html" in err
    for line in shown.splitlines()[2:]:  # below title and head
        predictor, spearman, *_ = line.split()
        assert f"<td>{predictor}</td><td>{spearman}</td>" in page


def test_evaluate_prints_figures_with_intervals(csv, workplace, capsys):
    train("--table", str(csv))
    capsys.readouterr()
    assert main(["evaluate", "--table", str(csv), "--device", "my_board"]) == 0
    out, err = capsys.readouterr()
    assert f"{KEY} (" in out
    assert "on 60 architectures" in out
    assert "rmse (ms)" in out
    assert "learned from this very table" in err
    other = CostTable.from_costs("nasbench201", CELLS[:20], COST[:20], device="my_board")
    path = other.write(workplace / "new.parquet")
    folder = workplace / "models" / KEY
    assert main(["evaluate", "--table", str(path), "--model", str(folder)]) == 0
    assert "learned from this very table" not in capsys.readouterr().err


@pytest.mark.parametrize("names", ["lookup,my_predictor.py:Mine", "lookup my_predictor.py:Mine"])
def test_a_predictor_of_a_file_is_compared_and_logged(csv, workplace, capsys, monkeypatch, names):
    """A model logged under the path of the file could not be: its name may have no slash."""
    (workplace / "my_predictor.py").write_text(MINE)
    monkeypatch.setattr("archcost.tracking.experiments.mean_validation", prefer_the_last)
    assert train("--table", str(csv), "--predictors", *names.split()) == 0
    reference = f"{workplace / 'my_predictor.py'}:Mine"
    out = capsys.readouterr().out
    assert f"{KEY}: {reference} chosen" in out
    assert "logged as models:/" in out
    monkeypatch.chdir("/")
    assert archcost.predict(CELLS[0], "my_board") == pytest.approx(COST[0], rel=0.2)
    assert main(["evaluate", "--table", str(csv), "--device", "my_board"]) == 0
    monkeypatch.chdir(workplace)
    assert main(["register", "--device", "my_board"]) == 0
    assert main(["compare", "--device", "my_board"]) == 0
    assert reference in capsys.readouterr().out


def prefer_the_last(trials):
    return {trial.settings.predictor: float(rank) for rank, trial in enumerate(trials)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "none.csv"], "there is no cost table none.csv"),
        (["--table", "my.csv", "--predictors", "xgbost"], "did you mean 'xgboost'"),
        (["--table", "my.csv", "--predictors", "none.py:Mine"], "but there is no "),
        (["--table", "my.csv", "--seeds", "0"], "at least one predictor and one seed"),
        (["--table", "my.csv", "--n-train", "59"], "at least 2 rows each"),
        (["--table", "my.csv", "--split", "isomorph"], "did you mean 'isomorphic'"),
        (["--table", "my.csv", "--metric", "energy"], "metric of this table must be one of"),
    ],
)
def test_errors_are_one_clean_line(csv, capsys, arguments, message):
    assert main(["train", "--device", "my_board", "--seeds", "1", *arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("archcost: error: ")
    assert message in lines[0]


def test_the_help_names_the_defaults(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    out = " ".join(capsys.readouterr().out.split())
    default = ExperimentSettings()
    key = CostKey("nasbench201", "raspi4", "latency", "cifar10")
    assert f"(default: {','.join(default.predictors_for(key))}, which" in out
    assert f"(default: {default.seeds})" in out
    assert f"(default: {default.experiment})" in out
    assert "random (default)" in out


@pytest.mark.parametrize("command", ["train", "evaluate", "compare", "register", "demo"])
def test_help_teaches_by_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"archcost {command}" in capsys.readouterr().out.split("example")[1]


def test_compare_without_a_store_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["compare"]) == 2
    assert "run this where `archcost train` ran" in capsys.readouterr().err


def test_demo_trains_compares_and_predicts(workplace, capsys, monkeypatch):
    monkeypatch.setattr("archcost.cli.demo.N_TRAIN", 60)
    assert main(["demo", "--predictors", "lookup"]) == 0
    out = capsys.readouterr().out
    for key in (
        "nasbench201-cpu_onnxruntime-latency-cifar10",
        "nasbench201-eyeriss_like-energy-cifar10",
        "fbnet-cpu_onnxruntime-latency-cifar100",
        "fbnet-eyeriss_like-energy-cifar100",
    ):
        assert f"{key}: 60 rows to learn from" in out
        assert f"model='models:/{key}@champion'" in out
    assert " mJ (standard deviation" in out
    assert not (workplace / "models").exists()
    assert np.isfinite(float(out.split(" ms (standard")[0].split()[-1]))


def test_demo_names_the_devices_whose_tables_ship(workplace, capsys):
    assert main(["demo", "--devices", "cpu_litert,eyeriss"]) == 2
    assert "got 'eyeriss'; did you mean 'eyeriss_like'?" in capsys.readouterr().err
