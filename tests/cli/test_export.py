import ast
import csv
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from archcost.cli.main import main
from archcost.datasets import CostTable
from archcost.datasets.merging import merge_tables
from archcost.errors import ArchcostError, CostTableError
from archcost.networks import stand_alone_runner
from archcost.networks.exporting import export_models
from archcost.networks.onnx_graphs import onnx_model
from archcost.spaces import get_space

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
    """Return the rows of the runner's journal: round, file, wall_ms, cpu_ms, status and maybe a
    temperature."""
    return list(csv.reader((folder / "visits.csv").read_text().splitlines()[1:]))


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
        model = onnx_model(SPACE.graph(row["arch"], "cifar10"))
        assert (exported / row["file"]).read_bytes() == model.SerializeToString()
    assert (exported / "run_models.py").read_bytes() == RUNNER.read_bytes()


def test_results_come_back_as_a_table(exported, tmp_path):
    printed = measure(exported, "--rounds", 3).stdout
    assert printed.count(",ok\n") == 12
    assert printed.count("round 3 of 3: models/0000") == 4
    out = tmp_path / "my_board.parquet"
    words = ["--device", "my_board", "--out", str(out)]
    assert main(["data", "import", str(exported / "results.csv"), *words]) == 0
    table = CostTable.read(out)
    assert str(table.keys()[0]) == "nasbench201-my_board-latency-cifar10"
    archs, costs = table.costs(table.keys()[0])
    assert np.array_equal(archs, SPACE.sample(4, seed=0))
    rows = table.to_pandas()
    assert set(rows["n_repeats"]) == {15}
    for number, cost_ms in enumerate(costs):
        file = f"models/0000{number}.onnx"
        of_file = sorted(float(ms) for _, name, _, ms, _ in visits(exported) if name == file)
        assert cost_ms == pytest.approx(of_file[1])
        assert rows["cost_std"][number] == pytest.approx(np.std(of_file))


def test_results_are_on_the_clock_that_is_asked_for_and_say_so(exported, tmp_path):
    measure(exported, "--rounds", 2)
    tables = {}
    for clock in ("cpu", "wall"):  # the second writes other results from the same visits
        measure(exported, "--rounds", 2, "--clock", clock)
        rows = read_csv(exported / "results.csv")
        assert [row["latency_ms"] for row in rows] == [row[f"{clock}_ms"] for row in rows]
        tables[clock] = CostTable.read(exported / "results.csv", device="my_board")
        assert tables[clock].provenance.clock == clock
    with pytest.raises(CostTableError, match="made with clock 'cpu' and 'wall'"):
        merge_tables(list(tables.values()))
    refused = measure(exported, "--threads", 2, "--clock", "cpu", fails=True)
    assert "--clock cpu must go with --threads 1" in refused.stderr
    mixed = (exported / "results.csv").read_text().replace(",wall\n", ",cpu\n", 2)
    (tmp_path / "mixed.csv").write_text(mixed)
    with pytest.raises(CostTableError, match=r"one clock.*holds \['cpu', 'wall'\]"):
        CostTable.read(tmp_path / "mixed.csv", device="my_board")


def test_each_round_has_another_order(exported):
    measure(exported, "--rounds", 3)
    orders = [tuple(file for n, file, *_ in visits(exported) if n == r) for r in "123"]
    assert {len(set(order)) for order in orders} == {4}
    assert len(set(orders)) > 1


@pytest.mark.parametrize(("kept_characters", "lost"), [(0, 0), (3, 0), (20, 1), (24, 1), (-1, 1)])
def test_same_command_resumes_wherever_it_was_killed(exported, kept_characters, lost):
    """A visit that had begun might be what crashed the device: it is not made again."""
    measure(exported, "--rounds", 2)
    journal = exported / "visits.csv"
    lines = journal.read_text().split("\n")  # the first is empty
    kept = "\n".join([*lines[:6], lines[6][:kept_characters]])
    journal.write_text(kept)
    measure(exported, "--rounds", 2)
    assert journal.read_text().startswith(kept)
    assert sum(row[4:5] == ["ok"] for row in visits(exported)) == 8 - lost
    n_repeats = Counter(row["n_repeats"] for row in read_csv(exported / "results.csv"))
    assert n_repeats == Counter({"10": 4 - lost, "5": lost})


def test_more_rounds_extend(exported):
    measure(exported, "--rounds", 1)
    first = (exported / "visits.csv").read_text()
    printed = measure(exported, "--rounds", 2).stdout
    assert printed.count("round 2 of 2: ") == printed.count("round ") == 4
    assert (exported / "visits.csv").read_text().startswith(first)
    assert {row["n_repeats"] for row in read_csv(exported / "results.csv")} == {"10"}


def test_network_that_kills_the_runtime_is_not_met_again_in_its_round(exported, tmp_path):
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
    measure(exported, *words, fails=True, **stub)
    measure(exported, *words, **stub)
    rows = read_csv(exported / "results.csv")
    assert [row["status"] for row in rows] == ["ok", "ok", "failed", "ok"]
    table = CostTable.read(exported / "results.csv", device="my_board")
    assert table.counts() == {"failed": 1, "ok": 3}


def test_file_that_cannot_be_loaded_is_a_failure(exported):
    (exported / "models/00001.onnx").write_bytes(b"no network")
    printed = measure(exported, "--rounds", 1).stdout
    assert "models/00001.onnx ,,InvalidProtobuf\n" in printed
    table = CostTable.read(exported / "results.csv", device="my_board")
    assert table.counts() == {"failed": 1, "ok": 3}


def test_one_network_is_a_json_line(exported):
    printed = measure(exported, exported / "models/00000.onnx").stdout
    said = json.loads(printed)
    assert said["clock"] == "cpu"
    assert said["latency_ms"] == said["cpu_ms"] > 0
    printed = measure(exported, exported / "models/00000.onnx", "--clock", "wall").stdout
    said = json.loads(printed)
    assert said["latency_ms"] == said["wall_ms"] > 0
    assert not (exported / "visits.csv").exists()


def test_file_that_is_not_there_is_named(exported):
    assert "nowhere.onnx" in measure(exported, "nowhere.onnx", fails=True).stderr


def test_runner_without_a_runtime_says_which(exported, tmp_path):
    (tmp_path / "onnxruntime.py").write_text("raise ImportError")
    found = measure(exported, fails=True, PYTHONPATH=str(tmp_path)).stderr
    assert ".onnx needs one of the packages ['onnxruntime']" in found
    assert not (exported / "visits.csv").exists()


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
    assert measure(folder, "--rounds", 1).stdout.count(",ok\n") == 2
    device = {"fp32": "my_board", "int8": "my_board_int8"}[precision]
    readme = (folder / "README.txt").read_text()
    assert f"2 networks of fbnet (cifar100, {precision}) as tflite files" in readme
    assert f"--space fbnet --dataset cifar100 \\\n       --device {device} " in readme


def test_ctrl_c_leaves_a_valid_manifest(tmp_path, monkeypatch, capsys):
    written = []

    def model_file(*args):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(args)
        return onnx_model(args[0]).SerializeToString()

    monkeypatch.setattr("archcost.networks.exporting.model_file", model_file)
    assert export(tmp_path / "out", "--count", "4") == 130
    assert "manifest.csv" in capsys.readouterr().err
    assert len(read_csv(tmp_path / "out/manifest.csv")) == 2
    assert measure(tmp_path / "out", "--rounds", 1).stdout.count(",ok\n") == 2
    monkeypatch.undo()
    assert export(tmp_path / "out", "--count", "3") == 0  # what was stopped is written anew
    assert len(read_csv(tmp_path / "out/manifest.csv")) == 3
    assert len(list((tmp_path / "out/models").iterdir())) == 3
    assert export(tmp_path / "out", "--count", "3") == 2  # what is whole is not
    assert "must go to a new or empty folder" in capsys.readouterr().err


def test_architectures_come_from_a_file_and_progress_is_shown(tmp_path, capsys):
    (tmp_path / "wanted.csv").write_text("arch\n7\n3\n7\n")
    words = ["--archs", str(tmp_path / "wanted.csv"), "--out", str(tmp_path / "out")]
    assert main(["export", "--space", "nasbench201", *words]) == 0
    rows = read_csv(tmp_path / "out/manifest.csv")
    assert [SPACE.index(row["arch"]) for row in rows] == [7, 3]
    printed = capsys.readouterr()
    assert printed.err == ""  # no terminal, and no minute
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
    archs, named = SPACE.format_many(SPACE.sample(1)), {"space": SPACE.name, "dataset": "cifar10"}
    with pytest.raises(ArchcostError, match=r"must go to a new or empty folder.*choose another"):
        export_models(archs, SPACE.graph, tmp_path, **named)
    with pytest.raises(ArchcostError, match="must go to a new or empty folder"):
        export_models(archs, SPACE.graph, tmp_path / "mine.txt", **named)
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
    assert table.provenance.runtime_version == "user command"
