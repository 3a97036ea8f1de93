"""How well a new device is known after few measurements: the published transfer tasks.

A target device is known by 5 to 100 measurements, of the architectures that `suggest` names or of
random ones, and by source devices with 900 (NAS-Bench-201) or 800 (FBNet) measured architectures.
Scored on every architecture of the published table that was not measured. `suggest` sees the
sources, never the target.

Beside the published tasks, tables of our own are taken for new devices, and made-up devices have
physics that no table has (``transfer_made_up.py``); constants of `transfer` are chosen on these.

Results are appended to ``results/transfer.jsonl``, one line a task and seed; what is there is not
run again. ``docs/transfer.md`` is rendered from the file and ``transfer_intro.md``.

    python benchmarks/transfer.py --data ../shared/data [--processes 2]   run what is missing
    python benchmarks/transfer.py --render                                render only
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes share the cores

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from steady_costs import SteadyCosts, steady_costs
from tqdm import tqdm
from transfer_made_up import MADE_UP, OWN, SOURCES, made_up
from transfer_page import render

from archcost.datasets import DEVICES, CostKey, CostTable, load_bundled
from archcost.datasets.source_help import HELP
from archcost.errors import ArchcostWarning
from archcost.spaces import SearchSpace, get_space
from archcost.spaces.space import Ops
from archcost.training import suggest, transfer
from archcost.training.metrics import spearman

RESULTS = Path(__file__).parent / "results" / "transfer.jsonl"
SEEDS = 10
COUNTS = (5, 10, 20, 50, 100)
RANDOM_SEEDS = 2
"""Seeds with which random architectures are measured as well."""
DRIFT_SEEDS = 3
"""Seeds with which drifting devices are scored less their drift as well."""
N_SOURCE = {"nasbench201": 900, "fbnet": 800}
LEVEL = 0.9
DRIFTING = ("essential_ph_1", "gold_6226", "pixel2", "samsung_a50", "samsung_s7")
"""Targets whose published costs drift by 2 % or more (``docs/drift.md``)."""


class Task(NamedTuple):
    """Source devices and targets in one space."""

    space: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]


GPUS = ("1080ti", "2080ti", "titan_rtx", "titanx", "titanxp")
TASKS = {
    "ND": Task(
        "nasbench201",
        ("1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r", "samsung_a50",
         "pixel3", "essential_ph_1", "samsung_s7"),
        ("titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss"),
    ),
    "FD": Task(
        "fbnet",
        ("1080ti_1", "1080ti_32", "1080ti_64", "silver_4114", "silver_4210r", "samsung_a50",
         "pixel3", "essential_ph_1", "samsung_s7"),
        ("fpga", "raspi4", "eyeriss"),
    ),
    "F1": Task(
        "fbnet",
        ("2080ti_1", "essential_ph_1", "silver_4114", "titan_rtx_1", "titan_rtx_32"),
        ("eyeriss", "fpga", "raspi4", "samsung_a50", "samsung_s7"),
    ),
    "F2": Task(
        "fbnet",
        ("essential_ph_1", "gold_6226", "gold_6240", "pixel3", "raspi4"),
        ("1080ti_1", "1080ti_32", "2080ti_32", "titan_rtx_1", "titanxp_1"),
    ),
    "F3": Task(
        "fbnet",
        ("essential_ph_1", "pixel2", "pixel3", "raspi4", "samsung_s7"),
        ("1080ti_1", "1080ti_32", "2080ti_1", "titan_rtx_1", "titan_rtx_32"),
    ),
    "F4": Task(
        "fbnet",
        ("1080ti_64", "2080ti_1", "eyeriss", "gold_6226", "gold_6240", "raspi4", "samsung_s7",
         "silver_4210r", "titan_rtx_1", "titan_rtx_32"),
        ("1080ti_1", "pixel2", "essential_ph_1"),
    ),
    "FA": Task(
        "fbnet",
        tuple(f"{gpu}_{batch}" for gpu in GPUS for batch in (1, 32, 64)),
        ("gold_6226", "essential_ph_1", "samsung_s7", "pixel2"),
    ),
}  # fmt: skip


@cache
def published(data: Path) -> CostTable:
    """Return the published costs."""
    return HELP.parse(data / HELP.folder)


def run_task(data: Path, name: str, seed: int) -> list[dict[str, Any]]:
    """Run one task with one seed: every target, chosen and random, every count."""
    table, task = published(data), TASKS[name]
    space = get_space(task.space)
    keys = {device: _key(table, task.space, device) for device in task.sources + task.targets}
    ops, _ = table.costs(keys[task.sources[0]])
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(ops))[: N_SOURCE[task.space]]
    sources = [_rows_of(table, keys[device], ops[rows]) for device in task.sources]
    candidates = None if task.space == "nasbench201" else ops
    chosen = suggest(space, max(COUNTS), sources=sources, candidates=candidates, seed=seed)
    orders = {"chosen": space.parse_many(chosen)}
    if seed < RANDOM_SEEDS:
        orders["random"] = ops[rng.permutation(len(ops))[: max(COUNTS)]]
    results = []
    for device in task.targets:
        device_ops, cost = table.costs(keys[device])
        mean_rank = np.mean([rankdata(table.costs(keys[known])[1]) for known in task.sources], 0)
        score = unmeasured(space, sources, device, device_ops, cost)
        about = {"task": name, "seed": seed, "device": device, "how": "none", "n": 0}
        results.append({**about, **score, "mean_rank": spearman(cost, mean_rank)})
        for how, order in orders.items():
            steady = None
            if device in DRIFTING and how == "chosen" and seed < DRIFT_SEEDS:
                steady = steady_costs(keys[device], device_ops, cost, others(device_ops, order))
            for score in scores(space, sources, device_ops, cost, cost, order, seed, steady):
                about = {"task": name, "seed": seed, "device": device, "how": how}
                results.append({**about, **score})
    return results


def others(ops: Ops, measured: Ops) -> npt.NDArray[np.int64]:
    """Return the rows that are not measured."""
    known = {row.tobytes() for row in measured.astype(ops.dtype)}
    return np.array([i for i, row in enumerate(ops) if row.tobytes() not in known])


def run_own(data: Path, name: str, seed: int) -> list[dict[str, Any]]:
    """Transfer to tables of our own or to made-up devices, with one seed."""
    table, space = published(data), get_space("nasbench201")
    keys = [_key(table, space.name, device) for device in SOURCES]
    ops, _ = table.costs(keys[0])
    rows = np.random.default_rng(seed).permutation(len(ops))[: N_SOURCE[space.name]]
    sources = [_rows_of(table, key, ops[rows]) for key in keys]
    results = []
    for device in OWN if name == "own" else MADE_UP:
        if name == "own":
            own = load_bundled(f"nasbench201-{device}")
            device_ops, truth = own.costs(_key(own, space.name, device))
            cost = truth
        else:
            device_ops = space.all_ops
            truth, cost = made_up(device, seed)
        chosen = suggest(space, max(COUNTS), sources=sources, candidates=device_ops, seed=seed)
        order = space.parse_many(chosen)
        for score in scores(space, sources, device_ops, truth, cost, order, seed):
            about = {"task": name, "seed": seed, "device": device, "how": "chosen"}
            results.append({**about, **score})
    return results


def scores(
    space: SearchSpace,
    sources: list[CostTable],
    ops: Ops,
    truth: npt.NDArray[np.float64],
    cost: npt.NDArray[np.float64],
    order: Ops,
    seed: int,
    steady: SteadyCosts | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield how well a device is known after the first few of `order` are measured.

    `cost` is what a measurement says and `truth` what is to be predicted, both of `ops`; `steady`
    is the truth of some rows without the drift of the device.
    """
    place = {row.tobytes(): number for number, row in enumerate(ops)}
    for n in COUNTS:
        measured = [place[row.tobytes()] for row in order[:n].astype(ops.dtype)]
        pairs = {space.format(ops[i]): cost[i] for i in measured}
        start = time.process_time()
        model = transfer(space, pairs, sources=sources, seed=seed)
        seconds = time.process_time() - start
        rest = np.setdiff1d(np.arange(len(truth)), measured)
        mean = model.predict(ops[rest])
        low, high = model.predict_interval(ops[rest], LEVEL).T
        corrected = {}
        if steady is not None:
            corrected["corrected"] = spearman(steady.log_cost, model.predict(ops[steady.rows]))
        yield {
            **corrected,
            "n": n,
            "spearman": spearman(truth[rest], mean),
            "coverage": float(np.mean((low <= truth[rest]) & (truth[rest] <= high))),
            "width": float(np.median((high - low) / mean)),
            "cpu_seconds": seconds,
        }  # fmt: skip


def unmeasured(
    space: SearchSpace,
    sources: list[CostTable],
    device: str,
    ops: Ops,
    cost: npt.NDArray[np.float64],
) -> dict[str, Any]:
    """Return how well a device is known of which the card's facts are known and nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ArchcostWarning)  # that nothing is measured
        model = transfer(
            space, None, device=device, sources=sources, card=DEVICES[device], extrapolate=True
        )
    low, high = model.predict_interval(ops, LEVEL).T
    return {
        "spearman": spearman(cost, model.predict(ops)),
        "coverage": float(np.mean((low <= cost) & (cost <= high))),
    }


def _key(table: CostTable, space: str, device: str) -> CostKey:
    keys = table.select(space=space, device=device, metric="latency").keys()
    return keys[0]


def _rows_of(table: CostTable, key: CostKey, ops: Any) -> CostTable:
    """Return the costs of some architectures of one key."""
    all_ops, cost = table.costs(key)
    place = {row.tobytes(): number for number, row in enumerate(all_ops)}
    rows = [place[row.tobytes()] for row in ops]
    return CostTable.from_costs(
        key.space, ops, cost[rows], device=key.device, metric=key.metric, dataset=key.dataset
    )


def done() -> set[tuple[str, int]]:
    """Return the tasks and seeds that are in the results."""
    if not RESULTS.exists():
        return set()
    return {(r["task"], r["seed"]) for r in map(json.loads, RESULTS.read_text().splitlines())}


def run_missing(
    data: Path, processes: int, names: list[str], seeds: int
) -> Iterator[list[dict[str, Any]]]:
    """Run what is missing, on several processes."""
    known = done()
    todo = [(name, seed) for seed in range(seeds) for name in names if (name, seed) not in known]
    with ProcessPoolExecutor(processes) as pool:
        futures = [
            pool.submit(run_task if name in TASKS else run_own, data, name, seed)
            for name, seed in todo
        ]
        for future in tqdm(as_completed(futures), total=len(futures), desc="transfer"):
            yield future.result()


def main() -> None:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tasks", default=",".join([*TASKS, "own", "made_up"]))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--render", action="store_true", help="only write the page")
    arguments = parser.parse_args()
    if not arguments.render:
        RESULTS.parent.mkdir(exist_ok=True)
        names = arguments.tasks.split(",")
        for results in run_missing(arguments.data, arguments.processes, names, arguments.seeds):
            with RESULTS.open("a") as file:
                file.writelines(json.dumps(result) + "\n" for result in results)
    render(RESULTS)


if __name__ == "__main__":
    main()
