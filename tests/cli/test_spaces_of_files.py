"""Every command takes a search space that is in no package: not additive, with invalid choices."""

from pathlib import Path

import pandas as pd
import pytest

from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.spaces import get_space

pytestmark = pytest.mark.slow
SPACE = f"{Path(__file__).parents[1] / 'my_space.py'}:MySpace"
KEY = "my_space-my_board-latency-photos"
QUICK = ("--predictors", "lookup,ridge", "--seeds", "1")


def run(*words):
    assert main([*map(str, words)]) == 0


def of_space(*words):
    run(*words, "--space", SPACE)


@pytest.fixture(scope="module")
def table(shared_workplace):
    """Return a table of 60 architectures on my_board, imported from a CSV file."""
    space = get_space(SPACE)
    archs = space.sample(60, seed=0)
    costs_ms = [0.1 + space.workload(ops).flops / 1e7 for ops in archs]
    frame = pd.DataFrame({"arch": space.format_many(archs), "latency_ms": costs_ms})
    frame.to_csv(shared_workplace / "my.csv", index=False)
    of_space("data", "import", "my.csv", "--device", "my_board", "--out", "t.parquet")
    return "t.parquet"


@pytest.fixture(scope="module")
def model(table):
    of_space("train", "--table", table, "--device", "my_board", *QUICK)
    return Path("models", KEY)


def test_tables_are_checked_and_merged(table, capsys):
    of_space("data", "check", table)
    of_space("data", "check", "my.csv", "--device", "my_board")
    of_space("data", "import", "my.csv", "--device", "my_phone", "--out", "phone.parquet")
    of_space("data", "merge", table, "phone.parquet", "--out", "merged.parquet")
    assert capsys.readouterr().out.count(f"{KEY}: 60 costs") == 3


def test_measure(table):
    words = ("--runtime", "torch", "--count", 3, "--rounds", 1, "--quiet", "--out", "m.parquet")
    of_space("measure", *words)
    assert CostTable.read("m.parquet").counts() == {"ok": 3}


def test_simulate(table):
    pytest.importorskip("zigzag")
    Path("small.csv").write_text("arch\nr16-k3_w8-k3_w8-absent-absent\n")
    words = ("--accelerator", "fpga_like", "--quiet", "--archs", "small.csv", "--out", "s.parquet")
    of_space("simulate", *words)
    assert CostTable.read("s.parquet").counts() == {"ok": 2}


@pytest.mark.parametrize("model_format", ["onnx", "tflite"])
def test_export(table, model_format):
    of_space("export", "--count", 2, "--format", model_format, "--out", model_format, "--quiet")
    assert len(list(Path(model_format, "models").iterdir())) == 2


def test_train_evaluate_and_predict(model, table, capsys):
    assert (model / "manifest.json").is_file()
    of_space("evaluate", "--table", table, "--device", "my_board")
    of_space("devices", "--device", "my_board")
    of_space("compare", "--device", "my_board")
    assert capsys.readouterr().out.count("my_space") >= 3
    of_space("predict", "r16-k3_w8-k3_w8-absent-absent", "--device", "my_board")
    assert " ms (90 %: " in capsys.readouterr().out


def test_register(model, capsys):
    run("register", "--device", "my_board")
    assert capsys.readouterr().out == f"models:/{KEY}@champion\n"


def test_search(model, capsys):
    of_space("search", "--maximize", "flops", "--max", "my_board=2", "--budget", 200)
    archs = pd.read_csv(pd.io.common.StringIO(capsys.readouterr().out))["arch"]
    assert all(arch in get_space(SPACE) for arch in archs)


def test_scan(model):
    words = ("--max-latency-ms", "2", "--count", 1000, "--quiet", "--out", "scan.parquet")
    of_space("scan", "--device", "my_board", *words)
    assert all(arch in get_space(SPACE) for arch in pd.read_parquet("scan.parquet")["arch"])


def test_suggest_and_transfer(table, capsys):
    of_space("suggest", "-n", 5)
    lines = capsys.readouterr().out.split()
    assert lines[0] == "arch"
    assert len(get_space(SPACE).parse_many(lines[1:])) == 5
    of_space("transfer", "my_phone", "my.csv")
    assert Path("models/my_space-my_phone-latency-photos/manifest.json").is_file()


def test_report(table):
    of_space("report", "--table", table, "--out", "report", "--curves", 0)
    assert list(Path("report").glob("*.html"))
