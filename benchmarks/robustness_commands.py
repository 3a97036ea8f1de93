"""Commands that write, with what they need, for the campaigns that disturb them."""

import os
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np
from robustness_fault import FaultError
from robustness_forked import Forked

from archcost.datasets import CostTable
from archcost.spaces import NASBench201

KEY = "nasbench201-my_board-latency-cifar10"
COMMANDS = {
    "train": "train --table my.parquet --predictors lookup --seeds 1",
    "transfer": "transfer my_phone few.csv --space nasbench201 --sources eyeriss,fpga,raspi4",
    "register": "register --device my_board",
    "merge": "data merge part1.parquet part2.parquet --out whole.parquet",
    "import": "data import my.csv --device my_board --out imported.parquet",
    "simulate": "simulate --space nasbench201 --accelerator ethos_u55 --count 3 --out s.parquet",
    "export": "export --space nasbench201 --count 4 --out exported --quiet",
    "scan": "scan --space nasbench201 --device eyeriss --max-latency-ms 6 --count 20000 "
    "--out best.parquet",
    "measure": "measure --space nasbench201 --count 3 --rounds 2 --out measured.parquet",
}
TYPICAL_S = 2.0
"""About how long a command takes in a fork."""
SECONDS: dict[str, float] = {}
"""How long each command took when it last succeeded, by its words."""


def workplace(folder: Path) -> Path:
    """Return a fresh folder with tables, a model, and an MLflow store that holds it."""
    prepared, place = _prepared(folder), folder / "place"
    shutil.rmtree(place, ignore_errors=True)
    return shutil.copytree(prepared, place)


def start(
    words: str, place: Path, *, afresh: bool = False, max_bytes: int | None = None
) -> "subprocess.Popen[str] | Forked":
    """Start ``archcost`` with these words in a workplace, in a fork or in a fresh interpreter.

    Files of a fork cannot grow beyond ``max_bytes``.
    """
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    environment["ARCHCOST_MODEL_DIR"] = str(place / "models")
    if not afresh:
        return Forked(words.split(), place, environment, max_bytes)
    return subprocess.Popen(
        [sys.executable, "-m", "archcost", *words.split()],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def succeed(words: str, place: Path) -> str:
    """Run a command that must succeed without a word of warning; return its output."""
    began = time.monotonic()
    process = start(words, place)
    out, err = process.communicate(timeout=600)
    if process.returncode != 0 or "Traceback" in err or "warning: MLflow" in err:
        raise FaultError(f"`{words}` ended with {process.returncode}: {err[-300:]}")
    SECONDS[words] = time.monotonic() - began
    return out


def check_place(place: Path, *, tracked: bool = True) -> None:
    """Check that models are there, that no run is open, and that nothing half made is left.

    Parameters
    ----------
    place : Path
        The workplace.
    tracked : bool, default=True
        Whether the command writes to MLflow, so that its store is looked at as well.

    Raises
    ------
    FaultError
        If not.
    """
    if "my_board" not in succeed("devices --space nasbench201", place):
        raise FaultError("the old model is gone from the devices")
    if tracked:
        succeed("predict 7 --device my_board", place)
        if "my_board" not in succeed("compare", place):
            raise FaultError("the old runs are gone")
    left = [path.name for path in place.rglob("*") if ".making-" in path.name]
    left += [path.name for path in place.rglob("*.running")]
    if left:
        raise FaultError(f"left behind: {left}")


@cache
def _prepared(folder: Path) -> Path:
    place = folder / "place"  # where the copies will be: the store keeps its path
    place.mkdir()
    space = NASBench201()
    ops = space.sample(60, seed=0)
    cost = 1.5 + 2.0 * (ops == 3).sum(axis=1) + 0.1 * np.arange(60) / 60
    for name, rows in {"my": slice(60), "part1": slice(30), "part2": slice(30, 60)}.items():
        table = CostTable.from_costs(space, ops[rows], cost[rows], device="my_board")
        table.write(place / f"{name}.parquet")
    lines = [f"{arch},{ms}" for arch, ms in zip(space.format_many(ops), cost, strict=True)]
    (place / "my.csv").write_text("\n".join(["arch,latency_ms", *lines]) + "\n")
    (place / "few.csv").write_text("\n".join(["arch,latency_ms", *lines[:8]]) + "\n")
    succeed(COMMANDS["train"], place)
    return place.rename(folder / "prepared")
