import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from archcost.cli.main import main
from archcost.datasets import CostKey, CostTable
from archcost.networks.onnx_graphs import onnx_model
from archcost.simulating.accelerator import accelerators
from archcost.spaces import get_space

pytest.importorskip("zigzag")

SPACE = get_space("nasbench201")
# Little is left to try where nearly all loops run side by side.
QUICK = """
simulator = "zigzag"
name = "Quick"
description = "A huge array."
source = "This test."
clock_mhz = 100
power_w = 2.0
[array]
sizes = { k = 64, c = 64, y = 32, x = 32 }
[[array.mappings]]
k = ["output_channels", "groups"]
c = ["input_channels"]
y = ["output_height"]
x = ["output_width"]
[bits]
inputs = 8
weights = 8
sums = 8
outputs = 8
[[memories]]
name = "dram"
holds = ["inputs", "weights", "outputs"]
bytes = 1000000000
access_bits = 8
bits_per_cycle = 1000000
ports = 4
shared_by = ["k", "c", "y", "x"]
[execution]
average_pooling = "free"
global_pooling = "free"
additions = "free"
[search]
unroll = "any"
loop_splits = 1
choose = "latency"
"""


@pytest.fixture
def quick(tmp_path, monkeypatch):
    (tmp_path / "quick.toml").write_text(QUICK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def simulate(*words):
    return main(["simulate", "--space", "nasbench201", *map(str, words)])


def test_simulates_and_reports(quick, capsys):
    words = ("--accelerator", "quick.toml", "--count", 3, "--out", "t.parquet", "--quiet")
    assert simulate(*words) == 0
    printed = capsys.readouterr()
    assert printed.out == (
        "t.parquet: nasbench201-quick-energy-cifar10, nasbench201-quick-latency-cifar10, 6 ok\n"
    )
    assert printed.err == ""
    table = CostTable.read("t.parquet")
    rows = table.to_pandas()
    assert rows["arch"].tolist() == 2 * SPACE.format_many(SPACE.sample(3, seed=0))
    latency_ms, energy_mj = (rows["cost"][rows["metric"] == m] for m in ("latency", "energy"))
    assert energy_mj.tolist() == pytest.approx((2.0 * latency_ms).tolist())
    assert table.provenance.architectures == "3 drawn uniformly with seed 0"
    assert table.provenance.description["name"] == "Quick"


def test_extends_a_table(quick, capsys):
    words = ("--accelerator", "quick.toml", "--out", "t.parquet", "--quiet")
    simulate(*words, "--count", 2)
    lines = len((quick / "t.parquet.journal").read_text().splitlines())
    simulate(*words, "--count", 2)
    assert len((quick / "t.parquet.journal").read_text().splitlines()) == lines
    simulate(*words, "--count", 20)
    before = CostTable.read("t.parquet")
    assert len(before) == 40
    simulate(*words, "--count", 5)
    after = CostTable.read("t.parquet")
    assert after.sha256 == before.sha256
    told = after.provenance.architectures
    assert told == "5 drawn uniformly with seed 0, and 15 that the table had before"
    (quick / "t.parquet.journal").unlink()
    simulate(*words, "--count", 5)  # computed anew
    assert CostTable.read("t.parquet").sha256 == before.sha256


def test_architectures_of_a_file(quick):
    (quick / "wanted.csv").write_text(f"arch\n{SPACE.format([1] * 6)}\n{SPACE.format([3] * 6)}\n")
    simulate(
        "--accelerator", "quick.toml", "--archs", "wanted.csv", "--out", "t.parquet", "--quiet"
    )
    rows = CostTable.read("t.parquet").select(metric="latency").to_pandas()
    assert rows["arch"].tolist() == SPACE.format_many([[1] * 6, [3] * 6])
    assert rows["cost"][0] < rows["cost"][1]


def test_every_cell_by_default(quick, monkeypatch):
    space = get_space("nasbench201")
    few = space.all_ops[::125]  # a space of fewer cells: all of them take a minute
    monkeypatch.setitem(vars(space), "all_ops", few)
    simulate("--accelerator", "quick.toml", "--out", "t.parquet", "--quiet")
    table = CostTable.read("t.parquet")
    assert table.counts() == {"ok": 2 * 125}
    for key in table.keys():  # noqa: SIM118
        assert np.array_equal(np.unique(table.costs(key)[0], axis=0), np.unique(few, axis=0))


def test_interrupted_leaves_a_valid_table_and_goes_on(quick):
    # lots of orders to try in each layer: slow enough to be interrupted
    slow = QUICK.replace("k = 64, c = 64, y = 32, x = 32", "k = 1, c = 1, y = 1, x = 1")
    (quick / "quick.toml").write_text(slow.replace("loop_splits = 1", "loop_splits = 6"))
    command = [
        sys.executable, "-m", "archcost", "simulate", "--space", "nasbench201",
        "--accelerator", "quick.toml", "--count", "50", "--out", "t.parquet",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = quick / "t.parquet.journal"
    deadline = time.monotonic() + 120
    while not journal.exists() or journal.read_bytes().count(b"\n") < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "the same command goes on from here" in error and "Traceback" not in error
    assert set(CostTable.read("t.parquet").counts()) <= {"ok", "not_measured"}
    assert "not_measured" in CostTable.read("t.parquet").counts()


@pytest.mark.parametrize("name", accelerators())
def test_show_prints_the_file(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["simulate", "--show", name])
    assert stopped.value.code in (None, 0)
    assert capsys.readouterr().out == accelerators()[name].read_text()


def test_show_refuses_an_unknown_name(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["simulate", "--show", "eyeris_like"])
    assert stopped.value.code == 2
    assert "did you mean 'eyeriss_like'?" in capsys.readouterr().err


def test_help_lists_the_accelerators(capsys):
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in accelerators())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--accelerator", "eyeris_like"), "did you mean 'eyeriss_like'?"),
        (("--accelerator", "nowhere.toml"), "there is no description file nowhere.toml"),
        (("--accelerator", "eyeriss_like", "--count", "0"), "--count must be at least 1"),
        (("--accelerator", "eyeriss_like", "--count", "99999"), "n must be between 0 and"),
        (("--accelerator", "eyeriss_like", "--jobs", "0"), "--jobs must be at least 1"),
        (("--accelerator", "eyeriss_like", "--archs", "no.csv"), "there is no file no.csv"),
        (("--accelerator", "eyeriss_like", "--dataset", "cifar"), "dataset of nasbench201 must"),
    ],
)
def test_bad_input_is_one_clean_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert simulate(*words, "--out", "t.parquet", "--quiet") == 2
    error = capsys.readouterr().err
    assert error.startswith("archcost: error: ") and error.count("\n") == 1
    assert message in error
    assert not list(tmp_path.iterdir())


def test_out_is_parquet(tmp_path, capsys):
    assert simulate("--accelerator", "eyeriss_like", "--out", tmp_path / "t.csv") == 2
    assert "--out must end in .parquet" in capsys.readouterr().err


def test_a_shipped_accelerator_by_name(tmp_path, monkeypatch):
    pytest.importorskip("ethosu")
    monkeypatch.chdir(tmp_path)
    command = "simulate --space fbnet --accelerator ethos_u55 --out ethos_u55.parquet"
    (tmp_path / "small.csv").write_text("-".join(["skip"] * 22))  # few layers, to save time
    assert main([*command.split(), "--archs", "small.csv", "--quiet"]) == 0
    table = CostTable.read("ethos_u55.parquet")
    assert table.counts() == {"ok": 1}
    assert set(table.to_pandas()["device"]) == {"ethos_u55"}


def test_networks_of_any_kind_are_sums_of_the_same_layers(quick):
    space, cells = get_space("any"), [[1] * 6, [3] * 6]
    lines = []
    for arch in cells:
        graph = SPACE.graph(arch)
        path = quick / f"{graph.digest[:8]}.onnx"
        path.write_bytes(onnx_model(graph).SerializeToString())
        lines.append(path.name)
    (quick / "mine.txt").write_text("\n".join(lines))
    words = ("--accelerator", "quick.toml", "--out", "t.parquet", "--quiet")
    assert main(["simulate", "--space", "any", "--networks", "mine.txt", *words]) == 0
    key = CostKey("any", "quick", "latency", "as_given")
    archs, latency_ms = CostTable.read("t.parquet").costs(key)
    assert space.names(archs) == lines
    (quick / "wanted.csv").write_text("arch\n" + "\n".join(SPACE.format_many(cells)))
    simulate("--accelerator", "quick.toml", "--archs", "wanted.csv", "--out", "c.parquet")
    _, of_cells = CostTable.read("c.parquet").costs(
        CostKey("nasbench201", "quick", "latency", "cifar10")
    )
    assert latency_ms == pytest.approx(of_cells)
