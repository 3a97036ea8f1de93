"""The command archcost scan."""

import json
import signal
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from warm_processes import WarmProcess

from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.spaces import get_space
from archcost.training import TrainSettings, train

NETS = get_space("fbnet")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return a folder with models of two devices."""
    folder = tmp_path_factory.mktemp("models")
    ops = NETS.sample(250, seed=1)
    for device, slope in (("my_board", 1.0), ("my_phone", 0.3)):
        for metric, factor in (("latency", 1.0), ("energy", 3.0)):
            cost = factor * (1.0 + ops.astype(float) @ np.linspace(0.1, slope, 22))
            table = CostTable.from_costs(NETS, ops, cost, device=device, metric=metric)
            model = train(table, settings=TrainSettings(predictor="lookup"))
            model.save(folder / str(model.key))
    return folder


@pytest.fixture
def boards(models, tmp_path, monkeypatch):
    """Work in an empty folder with models of two devices."""
    monkeypatch.setenv("ARCHCOST_MODEL_DIR", str(models))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*options):
    return main(["scan", "--space", "fbnet", "--quiet", *options])


def test_scan_writes_the_best_within_limits(boards, capsys):
    assert (
        run("--device", "my_board", "--max-latency-ms", "40", "--max", "my_phone:energy=50",
            "--count", "50000", "--top", "20")
        == 0
    )  # fmt: skip
    assert "scan.parquet: the best 20 by flops_m; " in capsys.readouterr().out
    table = pq.read_table("scan.parquet")
    assert table.column_names == ["arch", "flops_m", "my_board_latency_ms", "my_phone_energy_mj"]
    frame = table.to_pandas()
    assert (frame.my_board_latency_ms <= 40).all() and (frame.my_phone_energy_mj <= 50).all()
    assert frame.flops_m.is_monotonic_decreasing
    flops = [NETS.workload(arch).flops / 1e6 for arch in frame.arch]
    np.testing.assert_allclose(frame.flops_m, flops)
    about = json.loads(table.schema.metadata[b"archcost_scan"])
    assert about["n_scanned"] == 50000 and about["n_within"] > 20
    assert about["limits"] == {"my_board_latency_ms": 40.0, "my_phone_energy_mj": 50.0}
    assert not list(boards.glob("*.progress")) and not list(boards.glob("*.part"))


def test_scores_of_ones_own(boards):
    run("--minimize", "my_phone:energy", "--count", "2000", "--top", "3", "--out", "low.parquet")
    low = pq.read_table("low.parquet").to_pandas()
    assert low.my_phone_energy_mj.is_monotonic_increasing and len(low) == 3
    (boards / "mine.csv").write_text("position,op,weight\nlayer01,skip,1\nlayer02,skip,1\n")
    run("--maximize", "mine.csv", "--count", "20000", "--top", "9", "--out", "mine.parquet")
    mine = pq.read_table("mine.parquet").to_pandas()
    assert (mine.mine == 2).all() and mine.arch.str.startswith("skip-skip-").all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-latency-ms", "9"], "a limit on latency needs --device"),
        (["--device", "my_board"], "--device needs --max-latency-ms or --max-energy-mj"),
        (["--max", "my_board:latency"], "--max must read DEVICE=VALUE, DEVICE:METRIC=VALUE"),
        (["--max", "bord:latency=3"], "did you mean 'my_board'"),
        (["--minimize", "my_board:speed"], "metric must be one of"),
        (["--maximize", "accuracy"], "a CSV file, but got 'accuracy'"),
        (["--count", "0"], "count must be at least 1"),
        (["--threads", "0"], "--threads must be at least 1"),
        (["--out", "scan.txt"], "--out must end in .parquet or .csv, but got 'scan.txt'"),
    ],
)
def test_bad_options(boards, capsys, options, message):
    assert run(*options) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_stopped_scans_go_on(boards, stop):
    command = ["-m", "archcost", "scan", "--space", "fbnet", "--device", "my_board",
               "--max-latency-ms", "30", "--quiet", "--out", "stopped.parquet"]  # fmt: skip
    endless = [*command, "--count", str(10**10)]
    process = WarmProcess(*endless)
    kept = boards / "stopped.parquet.progress"
    deadline = time.monotonic() + 120
    while not kept.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(stop)
    _, errors = process.communicate(timeout=60)
    if stop == signal.SIGINT:
        assert process.returncode == 130 and "goes on from here" in errors
    with np.load(kept) as arrays:
        done = int(arrays["done"])
    assert done > 0

    # The same command goes on: with a count that ends soon, as if it had been asked for before.
    content = dict(np.load(kept))
    identity = json.loads(str(content["identity"]))
    identity["count"] = count = (done + 3) << 16
    np.savez(boards / "kept.npz", **content | {"identity": np.array(json.dumps(identity))})
    (boards / "kept.npz").rename(kept)
    for out in ("stopped.parquet", "once.parquet"):
        assert main([*command[2:-1], out, "--count", str(count)]) == 0
    assert pq.read_table("stopped.parquet").equals(pq.read_table("once.parquet"))
