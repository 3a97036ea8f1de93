import ast
import csv
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from archcost.datasets import (
    ArchcostError,
    CostTable,
    get_space,
    stand_alone_runner,
)
from archcost.datasets.exporting import export_models
from archcost.datasets.onnx_graphs import onnx_model
from archcost.datasets.round_costs import middle_mean
from archcost.main import main

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
SPACE = get_space("nasbench201")
RUNNER = Path(stand_alone_runner.__file__)


def export(folder, *words):
    return main(["export", "--space", "nasbench201", "--out", str(folder), "--quiet", *words])


def measure(folder, *words, fails=False, **environment):
    """Run the exported runner in a process of its own, from another folder."""
    done = subprocess.run(
        [sys.executable, str(folder / "run_models.py"), *map(str, words)],
        cwd=folder.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def visits(folder):
    """Return the runner's journal without its first line, as lists of round, file, outcome."""
    return [line.split(" ", 2) for line in (folder / "visits.txt").read_text().splitlines()[1:]]


@pytest.fixture
def exported(tmp_path):
    assert export(tmp_path / "out", "--count", "4") == 0
    return tmp_path / "out"


def test_files_are_the_networks_of_the_manifest(exported):
    assert sorted(path.name for path in exported.iterdir()) == [
        "README.txt", "manifest.csv", "models", "run_models.py",
    ]  # fmt: skip
    rows = read_csv(exported / "manifest.csv")
    assert [row["file"] for row in rows] == [f"models/0000{n}.onnx" for n in range(4)]
    assert [row["arch"] for row in rows] == SPACE.format_many(SPACE.sample(4, seed=0))
    for row in rows:
        model = onnx_model(SPACE, row["arch"], "cifar10")
        assert (exported / row["file"]).read_bytes() == model.SerializeToString()
    assert (exported / "run_models.py").read_bytes() == RUNNER.read_bytes()


def test_results_come_back_as_a_table(exported, tmp_path):
    printed = measure(exported, "--rounds", 5, "--runs", 2).stdout
    assert "4 networks, 20 measurements to go" in printed
    assert "4 of 4 networks have a latency" in printed
    out = tmp_path / "my_board.parquet"
    words = ["--device", "my_board", "--out", str(out)]
    assert main(["data", "import", str(exported / "results.csv"), *words]) == 0
    table = CostTable.read(out)
    assert str(table.keys()[0]) == "nasbench201-my_board-latency-cifar10"
    archs, costs = table.costs(table.keys()[0])
    assert np.array_equal(archs, SPACE.sample(4, seed=0))
    assert set(table.to_pandas()["n_repeats"]) == {10}
    # The same statistic as that of archcost's own measurements.
    for number, cost_ms in enumerate(costs):
        of_file = [ms for _, file, ms in visits(exported) if file == f"models/0000{number}.onnx"]
        assert cost_ms == pytest.approx(middle_mean(np.array(of_file, dtype=float)), abs=1e-6)


def test_each_round_has_another_order(exported):
    measure(exported, "--rounds", 3, "--runs", 1)
    orders = [tuple(file for n, file, _ in visits(exported) if n == str(r)) for r in range(3)]
    assert {len(set(order)) for order in orders} == {4}
    assert len(set(orders)) > 1


def test_same_command_resumes_and_more_rounds_extend(exported):
    measure(exported, "--rounds", 2, "--runs", 1)
    journal = exported / "visits.txt"
    whole = journal.read_bytes()
    kept = b"".join(whole.splitlines(keepends=True)[:6])
    interrupted = visits(exported)[5]
    journal.write_bytes(kept + " ".join(interrupted)[:-3].encode())  # killed within a line
    printed = measure(exported, "--rounds", 2, "--runs", 1).stdout
    assert "4 networks, 3 measurements to go" in printed
    assert journal.read_bytes().startswith(kept)
    # What was under way might be what crashed the device: it comes last.
    assert visits(exported)[5][2].endswith("died")
    assert visits(exported)[-1][:2] == interrupted[:2]
    assert len(read_csv(exported / "results.csv")) == 4
    assert "4 measurements to go" in measure(exported, "--rounds", 3, "--runs", 1).stdout
    assert {row["n_repeats"] for row in read_csv(exported / "results.csv")} == {"3"}


def test_network_that_kills_the_runtime_is_met_twice_and_given_up(exported, tmp_path):
    """The runtime is a module that ends the process at one of the networks."""
    (tmp_path / "onnxruntime.py").write_text("""
import os
class SessionOptions: pass
class InferenceSession:
    def __init__(self, path, options, providers):
        if path.endswith("00002.onnx"):
            os._exit(9)
    def get_inputs(self): return []
    def run(self, outputs, feed): pass
""")
    words, stub = ("--rounds", 1), {"PYTHONPATH": str(tmp_path)}
    for _ in range(2):
        measure(exported, *words, fails=True, **stub)
    measure(exported, *words, **stub)
    rows = read_csv(exported / "results.csv")
    assert [row["status"] for row in rows] == ["ok", "ok", "failed", "ok"]
    table = CostTable.read(exported / "results.csv", device="my_board")
    assert table.counts() == {"failed": 1, "ok": 3}


def test_file_that_cannot_be_loaded_is_a_failure(exported):
    (exported / "models/00001.onnx").write_bytes(b"no network")
    printed = measure(exported, "--rounds", 1).stdout
    assert "models/00001.onnx InvalidProtobuf: " in printed
    assert "3 of 4 networks have a latency" in printed
    table = CostTable.read(exported / "results.csv", device="my_board")
    assert table.counts() == {"failed": 1, "ok": 3}
    for path in (exported / "models").iterdir():
        path.unlink()
    (exported / "visits.txt").unlink()
    measure(exported, "--rounds", 1)
    assert CostTable.read(exported / "results.csv", device="my_board").counts() == {"failed": 4}


def test_other_settings_are_not_mixed_in(exported):
    measure(exported, "--rounds", 1, "--runs", 1)
    assert "move the file away" in measure(exported, "--runs", 2, fails=True).stderr


def test_one_network_is_a_json_line(exported):
    printed = measure(exported, exported / "models/00000.onnx").stdout
    assert json.loads(printed)["latency_ms"] > 0
    assert not (exported / "visits.txt").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--runs", 0), "--runs and --threads must be 1 or more"),
        (("network.pb",), "running .pb files needs one of []"),
        (("nowhere.onnx",), "nowhere.onnx"),
    ],
)
def test_runner_refuses_bad_input(exported, words, message):
    assert message in measure(exported, *words, fails=True).stderr


def test_runner_without_a_runtime_says_which(exported, tmp_path):
    (tmp_path / "onnxruntime.py").write_text("raise ImportError")
    found = measure(exported, fails=True, PYTHONPATH=str(tmp_path)).stderr
    assert "running .onnx files needs one of ['onnxruntime']" in found
    assert not (exported / "visits.txt").exists()


def test_runner_stands_alone():
    """It is written in Python 3.7 and imports nothing but the standard library and numpy."""
    tree = ast.parse(RUNNER.read_text(), feature_version=(3, 7))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    assert {name.split(".")[0] for name in names} <= {*sys.stdlib_module_names, "numpy"}


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_tflite_files_run_as_well(tmp_path, precision):
    pytest.importorskip("ai_edge_litert")
    folder = tmp_path / "nets"
    words = ["--space", "fbnet", "--count", "2", "--format", "tflite", "--precision", precision]
    assert main(["export", *words, "--out", str(folder), "--quiet"]) == 0
    assert read_csv(folder / "manifest.csv")[1]["file"] == "models/00001.tflite"
    assert "2 of 2 networks" in measure(folder, "--rounds", 1, "--runs", 1).stdout
    device = {"fp32": "my_board", "int8": "my_board_int8"}[precision]
    readme = (folder / "README.txt").read_text()
    assert f"2 networks of fbnet (cifar100, {precision}, batch size 1) as tflite files" in readme
    assert f"--space fbnet --dataset cifar100 \\\n       --device {device} " in readme


def test_ctrl_c_leaves_a_valid_manifest(tmp_path, monkeypatch, capsys):
    written = []

    def model_file(*args):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(args)
        return onnx_model(SPACE, args[1], "cifar10").SerializeToString()

    monkeypatch.setattr("archcost.datasets.exporting.model_file", model_file)
    assert export(tmp_path / "out", "--count", "4") == 130
    assert "manifest.csv" in capsys.readouterr().err
    assert len(read_csv(tmp_path / "out/manifest.csv")) == 2
    assert "2 of 2 networks" in measure(tmp_path / "out", "--rounds", 1).stdout


def test_architectures_come_from_a_file_and_progress_is_shown(tmp_path, capsys):
    (tmp_path / "wanted.csv").write_text("arch\n7\n3\n7\n")
    words = ["--archs", str(tmp_path / "wanted.csv"), "--out", str(tmp_path / "out")]
    assert main(["export", "--space", "nasbench201", *words]) == 0
    rows = read_csv(tmp_path / "out/manifest.csv")
    assert [SPACE.index(row["arch"]) for row in rows] == [7, 3]
    printed = capsys.readouterr()
    assert "2/2" in printed.err
    assert "out: 2 networks, " in printed.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--count", "0"], "--count must be at least 1, but got 0"),
        (["--count", "2", "--format", "tfl"], "did you mean 'tflite'"),
        (["--count", "2", "--precision", "int8"], "onnx files must have one of the precisions"),
        (["--count", "2", "--dataset", "imagenet"], "dataset of nasbench201 must be one of"),
        (["--archs", "nowhere.csv"], "there is no file nowhere.csv"),
    ],
)
def test_bad_input_is_refused(tmp_path, capsys, words, message):
    assert export(tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(ArchcostError, match=r"must go to a new or empty folder.*choose another"):
        export_models(SPACE, SPACE.sample(1), tmp_path)
    with pytest.raises(ArchcostError, match="must go to a new or empty folder"):
        export_models(SPACE, SPACE.sample(1), tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_measure_runs_the_runner_as_a_command(exported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = [sys.executable, str(exported / "run_models.py"), "{model}", "--threads", "{threads}"]
    words = ["measure", "--space", "nasbench201", "--count", "4", "--rounds", "2", "--quiet"]
    words += ["--runtime", "command", "--command", shlex.join(runner), "--device", "my_board"]
    assert main([*words, "--out", "t.parquet"]) == 0
    table = CostTable.read(tmp_path / "t.parquet")
    assert table.counts() == {"ok": 4}
    assert set(table.to_pandas()["n_repeats"]) == {2}
    assert table.provenance["runtime_version"] == "user command"
