"""Every example of every help is a command line that parses; the quick ones run."""

import io
import re
import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from archcost.cli.command_parser import examples_in
from archcost.cli.completion import parsers_of
from archcost.cli.main import build_parser, main
from archcost.datasets import CostTable
from archcost.networks.model_files import model_file
from archcost.simulating import accelerators
from archcost.spaces import get_space
from archcost.zoo import zoo_network

EXAMPLES = sorted(
    {example for one in parsers_of(build_parser()) for example in examples_in(one.epilog or "")}
)

NOT_RUN = {
    "fast/fbnet": "takes a model of several minutes; its tests are in test_distilling",
    "data fetch": "needs a network",
    "HW-NAS-Bench": "needs the published file",
    "http://server": "needs a server",
    "models:/m-0123": "stands for the id of a logged model",
    "--alias challenger": "needs a model of that space in MLflow",
    "--extrapolate": "warns of what it does; its tests are in test_other_datasets",
    "--energy": "needs a counter that few machines have",
    "--ray": "needs a cluster",
    "--published": "needs the published tables",
    "--accelerator eyeriss_like": "simulates for minutes",
    "--accelerator my_npu.toml": "simulates for minutes",
    "gp gnn --seeds 5": "trains for minutes",
    "archcost report": "takes minutes; its tests are in test_reporting",
    "archcost ui": "runs until Ctrl-C; its tests are in test_ui",
    "archcost demo": "takes minutes; its test is in test_training_commands",
    "archcost train --table my.parquet --dry-run": "fits four predictors; see test_dry_run",
    "COMMAND": "stands for a command",
    "my_cpu": "measures or learns for minutes; see test_network_commands",
    "--format tflite": "quantises; its tests are in test_export",
}
"""Why an example with these words is only parsed."""

QUICK = {
    "measure": ("--count", "2", "--rounds", "1", "--runs", "1", "--quiet"),
    "simulate": ("--count", "1", "--quiet"),
    "export": ("--count", "1",),
    "train": ("--predictors", "lookup", "--seeds", "1", "--quiet"),
    "scan": ("--count", "1000", "--quiet"),
}  # fmt: skip
"""What makes a command quick; with --archs there is no --count."""

MY_RUNTIME = """
from archcost.measuring import Runtime

class MyRuntime(Runtime):
    name, model_format, precision, device = "mine", "none", "fp32", "cpu_mine"

    def version(self):
        return "1"

    def load(self, space, ops, dataset, threads):
        return lambda: 1.0 + float(sum(ops))
"""


def write_costs(path, space, archs, cost):
    names = space.format_many(archs)
    rows = [f"{name},{value:.4f}" for name, value in zip(names, cost, strict=True)]
    path.write_text("\n".join(["arch,latency_ms", *rows]) + "\n")


@pytest.fixture(scope="module")
def prepared(shared_workplace, tmp_path_factory):
    """Lay down the files that the examples name, and a model of my_board in MLflow."""
    kept = tmp_path_factory.mktemp("kept") / "files"
    cells, fbnet = get_space("nasbench201"), get_space("fbnet")
    archs, blocks = cells.sample(40, seed=0), fbnet.sample(10, seed=0)
    cost = 1.5 + (archs == 3).sum(axis=1) + 0.1 * archs[:, 0]
    here = Path()
    for name in ("mine", "my", "new_measurements", "results"):
        write_costs(here / f"{name}.csv", cells, archs, cost)
    for name in ("to_measure", "measured"):
        write_costs(here / f"{name}.csv", fbnet, blocks, 5.0 + blocks.sum(axis=1) / 20)
    tables = [
        CostTable.from_costs("nasbench201", archs, cost, device=device)
        for device in ("my_board", "cpu_onnxruntime", "my_npu", "raspi4")
    ]
    for name in ("my", "my_board", "my_npu", "t", "measured"):
        CostTable.concat(tables).write(here / f"{name}.parquet")
    for name, part in {"part1": archs[:20], "part2": archs[20:], "cells": archs}.items():
        CostTable.from_costs("nasbench201", part, np.ones(len(part)), device="my_board").write(
            here / f"{name}.parquet"
        )
    CostTable.from_costs("fbnet", blocks, np.ones(10), device="my_board").write(
        here / "fbnet.parquet"
    )
    names = cells.format_many(archs)
    Path("architectures.txt").write_text("\n".join(names))
    Path("architectures.csv").write_text("\n".join(["arch", *names]))
    Path("mine.txt").write_text("\n".join(cells.format_many(cells.sample(60, seed=1))))
    Path("wanted.csv").write_text("\n".join(["arch", *fbnet.format_many(blocks[:1])]))
    scores = [f"{name},{90 - number}" for number, name in enumerate(names)]
    Path("accuracies.csv").write_text("\n".join(["arch,accuracy", *scores]))
    weights = [f"{place},{op},{len(op)}" for place, ops in fbnet.slots.items() for op in ops]
    for name in ("weights", "my_weights"):
        Path(f"{name}.csv").write_text("\n".join(["position,op,weight", *weights]))
    graph = zoo_network("squeezenet1_1@64")
    Path("resnet50.onnx").write_bytes(model_file(graph, "onnx", "fp32"))
    Path("networks.txt").write_text("resnet18@64\nprobe_0_000\nresnet50.onnx\n")
    rows = [f"{name},{ms}" for name, ms in (("resnet18@64", 3.1), ("mobilenetv2_100@64", 1.1))]
    Path("networks_measured.csv").write_text("\n".join(["arch,latency_ms", *rows]))
    Path("bench.sh").write_text("#!/bin/sh\necho '{\"latency_ms\": 12.5}'\n")
    Path("bench.sh").chmod(0o755)
    shutil.copy(Path(__file__).parent.parent / "my_space.py", "my_space.py")
    Path("my_runtime.py").write_text(MY_RUNTIME)
    shutil.copy(accelerators()["eyeriss_like"], "my_npu.toml")
    quick = ["--predictors", "lookup", "--seeds", "1", "--quiet"]
    for experiment in ("archcost", "boards"):
        table = ["--table", "my.parquet", "--device", "my_board"]
        assert main(["train", *table, "--experiment", experiment, *quick]) == 0
    assert main(["register", "--device", "my_board"]) == 0
    shutil.copytree(".", kept, ignore=shutil.ignore_patterns("mlflow.db*", "mlartifacts"))
    return kept


def words_of(example):
    """Return the arguments of an example, and the files that it reads from and writes to."""
    words = shlex.split(example[re.search(r"(^|\s)archcost\s", example).start() :])[1:]
    source = words[words.index("<") + 1] if "<" in words else None
    for sign in ("<", ">", ">>"):
        if sign in words:
            words = words[: words.index(sign)]
    return words, source


def test_there_are_examples_of_every_command():
    parsers = parsers_of(build_parser())
    assert len(EXAMPLES) > 60
    without = [one.prog for one in parsers if not examples_in(one.epilog or "")]
    assert without == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_parses(example):
    words, _ = words_of(example)
    if "COMMAND" not in words and "--show" not in words:
        build_parser().parse_args(words)


@pytest.mark.parametrize(
    "example",
    sorted(
        [e for e in EXAMPLES if not any(words in e for words in NOT_RUN) and e != "archcost train"],
        key=lambda example: not example.startswith("archcost transfer my_phone"),  # used by others
    ),
)
def test_runs(example, prepared, request, monkeypatch, capsys):
    if "timm:" in example:
        request.getfixturevalue("model_libraries")
    words, source = words_of(example)
    quick = list(QUICK.get(words[0], ()))
    without_count = {"--archs", "--networks", "--show"} & set(words)
    if without_count or (words[0] == "scan" and "--ray" in words):
        quick = quick[2:]
    if "--repeatability" in words:
        quick += ["--max-rounds", "2", "--rounds", "2", "--count", "4"]
    if "--dry-run" in words and words[0] == "simulate":
        quick = ["--count", "1"]
    shutil.copytree(prepared, ".", dirs_exist_ok=True)  # as no other example has left it
    if words[:2] == ["evaluate", "--table"] and "runs/raspi4_model" in words:
        words[words.index("runs/raspi4_model")] = "models/nasbench201-my_board-latency-cifar10"
    if (
        words[0] == "predict"
        and "my_phone" in words
        and not list(Path("models").glob("*my_phone*"))
    ):
        assert main(["transfer", "my_phone", "measured.csv", "--space", "fbnet"]) == 0
    if words[0] in ("measure", "simulate", "export") and "--out" in words:
        out = Path(words[words.index("--out") + 1])
        out.unlink(missing_ok=True) if out.is_file() else shutil.rmtree(out, ignore_errors=True)
        Path(f"{out}.journal").unlink(missing_ok=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(Path(source).read_text() if source else ""))
    try:
        status = main([*words, *quick])
    except SystemExit as stopped:  # --show
        status = stopped.code or 0
    assert status == 0, capsys.readouterr().err
