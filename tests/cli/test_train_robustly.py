"""The first ``archcost train`` of a folder: killed, stopped, or one of several at once."""

import signal
import time

import pytest
from warm_processes import WarmProcess

import archcost
from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.spaces import NASBench201

CELLS = NASBench201().sample(60, seed=0)
COST = 1.5 + 2.0 * (CELLS == 3).sum(axis=1)
QUICK = ("--predictors", "lookup", "--seeds", "1")


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Work in a folder without a store; return it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(device):
    CostTable.from_costs("nasbench201", CELLS, COST, device=device).write(f"{device}.parquet")
    return WarmProcess("-m", "archcost", "train", "--table", f"{device}.parquet", *QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_first_train_that_is_stopped_breaks_nothing(fresh, stop, capsys):
    """Stopped while it makes the store; the campaign of kills tries all moments and commands."""
    process = start("my_board")
    while not list(fresh.glob("*mlflow.db*making*")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(stop)
    _, err = process.communicate()
    assert process.returncode in (-stop, 130, 0)
    if stop == signal.SIGINT:
        assert "Traceback" not in err and ("archcost: stopped" in err or process.returncode == 0)
        assert not list(fresh.glob("*making*"))
    assert main(["train", "--table", "my_board.parquet", *QUICK]) == 0
    out, err = capsys.readouterr()
    assert "lookup chosen" in out and "Spearman" in out and "warning" not in err
    assert main(["compare"]) == 0
    assert not list(fresh.glob("*making*"))
    assert archcost.predict(CELLS[0], "my_board") == pytest.approx(COST[0], rel=0.05)


@pytest.mark.slow
def test_several_first_trains_at_once_all_succeed(fresh, capsys):
    devices = [f"board_{place}" for place in range(2)]
    processes = [start(device) for device in devices]
    for device, process in zip(devices, processes, strict=True):
        out, err = process.communicate()
        assert process.returncode == 0, err
        assert f"nasbench201-{device}-latency-cifar10: lookup chosen" in out
        assert "warning" not in err and "Traceback" not in err
        assert archcost.predict(CELLS[0], device) > 0
    assert main(["compare"]) == 0
    out = capsys.readouterr().out
    assert all(device in out for device in devices)
