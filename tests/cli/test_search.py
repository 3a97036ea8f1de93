"""The command ``archcost search``, with models of the user's."""

import io

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


@pytest.fixture(autouse=True)
def own_models(monkeypatch, tmp_path, table):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path / "models"))
    model = train(table, settings=TrainSettings(predictor="lookup"))
    model.save(tmp_path / "models" / str(model.key))


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
