"""The command ``archcost search``, with models of the user's."""

import io
import sys

import numpy as np
import pandas as pd
import pytest

from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.spaces import get_space
from archcost.training import TrainSettings, train

CELLS = get_space("nasbench201")
OPS = CELLS.sample(300, seed=0)
LATENCY_MS = 1.0 + (OPS == 3).sum(axis=1) + 0.3 * (OPS == 2).sum(axis=1)


@pytest.fixture(scope="module")
def table():
    return CostTable.from_costs(CELLS, OPS, LATENCY_MS, device="my_board")


@pytest.fixture(scope="module")
def models(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("models")
    model = train(table, settings=TrainSettings(predictor="lookup"))
    model.save(folder / str(model.key))
    return folder


@pytest.fixture(autouse=True)
def own_models(monkeypatch, tmp_path, models):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(models))


def test_accuracies_verified(capsys, tmp_path, table):
    accuracy = pd.DataFrame({"arch": CELLS.format_many(OPS), "accuracy": 60 + LATENCY_MS})
    accuracy.to_csv(tmp_path / "accuracy.csv", index=False)
    table.write(tmp_path / "t.parquet")
    arguments = ["search", "--space", "nasbench201", "--accuracy", "accuracy.csv"]
    assert main([*arguments, "--max", "my_board=3.5", "--verify", "t.parquet"]) == 0
    output = capsys.readouterr()
    front = pd.read_csv(io.StringIO(output.out))
    assert front["score"].iloc[0] == pytest.approx(60 + LATENCY_MS[LATENCY_MS < 3.5].max())
    assert front["my_board_latency_ms_true"].to_numpy() == pytest.approx(
        front["score"].to_numpy() - 60
    )
    assert front["my_board_latency_ms_kept"].all()
    assert "within the limits; the front has" in output.err


def test_work_and_a_file(capsys, tmp_path):
    arguments = ["search", "--space", "nasbench201", "--maximize", "flops", "--budget", "60"]
    assert main([*arguments, "--low", "my_board", "--out", "front.csv"]) == 0
    assert "front.csv" in capsys.readouterr().out
    front = pd.read_csv(tmp_path / "front.csv")
    assert np.all(np.diff(front["score"]) < 1e-9)
    assert np.all(np.diff(front["my_board_latency_ms"]) < 1e-9)


def test_wrong_requests(capsys):
    arguments = ["search", "--space", "nasbench201", "--maximize", "flops"]
    assert main([*arguments, "--max", "my_board:3"]) == 2
    assert "--max must read DEVICE=VALUE" in capsys.readouterr().err
    assert main([*arguments, "--max", "my_boar=3"]) == 2
    assert "did you mean 'my_board'" in capsys.readouterr().err
    assert main(arguments) == 2
    assert "at least one device" in capsys.readouterr().err


def test_the_proven_best(capsys, tmp_path):
    arguments = ["search", "--exact", "--space", "nasbench201", "--max", "my_board=3.5"]
    assert main([*arguments, "--maximize", "flops", "--max", "params=0.3e6", "-k", "3"]) == 0
    output = capsys.readouterr()
    found = pd.read_csv(io.StringIO(output.out))
    assert list(found.columns) == ["arch", "flops_m", "my_board_latency_ms", "params"]
    assert len(found) == 3 and (found["my_board_latency_ms"] <= 3.5).all()
    assert (found["params"] <= 0.3e6).all() and found["flops_m"].is_monotonic_decreasing
    assert "proven: no other architecture within the limits is better (listed" in output.err
    by_mean = ["--maximize", "flops", "--by-mean", "--out", "best.csv"]
    assert main([*arguments, *by_mean]) == 0
    assert pd.read_csv("best.csv")["flops_m"].iloc[0] >= found["flops_m"].iloc[0]
    assert main(["search", "--exact", "--space", "nasbench201", "--minimize", "my_board"]) == 0
    cheapest = pd.read_csv(io.StringIO(capsys.readouterr().out.partition("\n")[2]))
    assert cheapest["my_board_latency_ms"].iloc[0] == pytest.approx(1.0, abs=0.1)


def test_the_whole_front(capsys):
    arguments = ["search", "--space", "nasbench201", "--maximize", "flops"]
    assert main([*arguments, "--front", "my_board"]) == 0
    output = capsys.readouterr()
    front = pd.read_csv(io.StringIO(output.out))
    assert front["flops_m"].is_monotonic_decreasing
    assert front["my_board_latency_ms"].is_monotonic_decreasing
    assert f"the whole front, {len(front)} architectures, exact" in output.err


def test_measuring_a_device_goes_on_where_it_stopped(capsys, tmp_path, table):
    rows = [place for place, cost in enumerate(LATENCY_MS) if cost < 6][:40]
    archs = CELLS.format_many(OPS[rows])
    accuracy = pd.DataFrame({"arch": archs, "accuracy": 60 + LATENCY_MS[rows]})
    accuracy.to_csv(tmp_path / "accuracy.csv", index=False)
    bench = tmp_path / "bench.py"  # slower with the size of the file: a device of its own
    bench.write_text(
        "import os, sys\n"
        "open('calls', 'a').write('x')\n"
        "if len(open('calls').read()) == 3: sys.exit('unplugged')\n"
        "print('{\"latency_ms\": %f}' % (os.path.getsize(sys.argv[1]) / 1e6))\n"
    )
    arguments = [
        "search", "--space", "nasbench201", "--score", "accuracy.csv", "--budget", "5",
        "--measure", f"{sys.executable} {bench} {{model}}", "--max-latency-ms", "4",
    ]  # fmt: skip
    arguments += ["--max", "params=1e6", "--retries", "0"]
    assert main(arguments) == 2
    assert "unplugged'; the same command goes on from here" in capsys.readouterr().err
    kept = (tmp_path / "search.jsonl").read_text().splitlines()
    assert len(kept) == 1 + 2
    assert main(arguments) == 0
    output = capsys.readouterr()
    [choice] = pd.read_csv(io.StringIO(output.out)).itertuples()
    assert choice.arch in archs and choice.latency_ms <= 4
    assert CELLS.workload(choice.arch).params <= 1e6
    lines = (tmp_path / "search.jsonl").read_text().splitlines()
    assert lines[:3] == kept and 3 < len(lines) <= 6
    assert "in search.jsonl; the latency is" in output.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--accuracy", "a.csv", "--exact"], "--exact goes with --maximize or --minimize"),
        (["--minimize", "my_board"], "--minimize goes with --exact"),
        (["--minimize", "my_board", "--front", "params"], "--front goes with --maximize"),
        (["--maximize", "flops", "--measure", "./x {model}"], "--measure needs --score"),
        (["--maximize", "accuracy", "--exact"], "a CSV file, but got 'accuracy'"),
    ],
)
def test_options_that_do_not_go_together(capsys, options, message):
    assert main(["search", "--space", "nasbench201", *options]) == 2
    assert message in capsys.readouterr().err
