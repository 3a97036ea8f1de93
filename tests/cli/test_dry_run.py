"""``train --dry-run``: an estimate of each predictor's time, and nothing written."""

import json

import pytest

from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.spaces import get_space


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = get_space("nasbench201").sample(80, seed=0)
    cost = 1.0 + (cells == 3).sum(axis=1)
    CostTable.from_costs("nasbench201", cells, cost, device="my_board").write(
        tmp_path / "t.parquet"
    )
    return tmp_path


def test_training_is_estimated_and_not_done(table, capsys):
    command = ["train", "--table", "t.parquet", "--device", "my_board", "--dry-run"]
    assert main([*command, "--predictors", "lookup", "ridge"]) == 0
    text = capsys.readouterr().out
    assert "would train on 80 costs of one kind:" in text
    assert "lookup: about" in text and "ridge: about" in text
    assert main([*command, "--predictors", "lookup", "--json"]) == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert facts["predictor"] == "lookup"
    assert facts["seconds"] > 0
    assert [path.name for path in table.iterdir()] == ["t.parquet"]
