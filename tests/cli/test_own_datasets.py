"""Datasets of users on the command line."""

import pytest

import archcost
from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.spaces import SPACES, Dataset

CELLS = SPACES["nasbench201"]
OPTIONS = ["--dataset", "darcy", "--input", "1x88x88", "--classes", "1"]


def test_from_measurements_to_a_prediction_by_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    cells = CELLS.sample(6, seed=2)
    dataset = Dataset("darcy", (1, 88, 88), 1)
    rows = [f'"{CELLS.format(c)}",{1 + CELLS.workload(c, dataset).flops / 1e8}' for c in cells]
    (tmp_path / "m.csv").write_text("\n".join(["arch,latency_ms", *rows]))
    given = ["--space", "nasbench201", *OPTIONS]
    out = tmp_path / "t.parquet"
    assert (
        main(
            ["data", "import", str(tmp_path / "m.csv"), "--device", "pi", "--out", str(out), *given]
        )
        == 0
    )
    assert CostTable.read(out).keys()[0].dataset == "darcy_1x88x88_1"
    assert main(["transfer", "pi", str(out), *given, "--sources"]) == 0
    capsys.readouterr()
    cell = CELLS.format(cells[0])
    assert main(["predict", cell, "--device", "pi", *OPTIONS]) == 0
    one = capsys.readouterr().out
    assert main(["predict", cell, "--device", "pi", "--dataset", "darcy"]) == 0
    assert capsys.readouterr().out == one
    assert archcost.predict(cell, "pi", dataset="darcy") == archcost.predict(
        cell, "pi", dataset=dataset
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--input", "1x88x88"], "must have --input and --classes"),
        (["--classes", "3"], "got only --classes"),
        (["--input", "1x88", "--classes", "1"], "such as 1x88x88, but got '1x88'"),
        (["--input", "1x30x30", "--classes", "1"], "a height and width that 4 divides"),
    ],
)
def test_what_is_missing_is_said(options, said, capsys):
    assert main(["suggest", "--space", "nasbench201", *options]) == 2
    assert said in capsys.readouterr().err
