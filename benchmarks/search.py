"""Latency-constrained search on devices of which only 10 or 20 measurements are known.

Candidates are the 500 architectures with CIFAR-100 accuracy that HELP published. A target device
is known by its measurements and by source devices (900 architectures each). Three ways to choose:

- `bound`: measure the architectures that `suggest` names, learn the device by `transfer`, choose
  the most accurate candidate whose upper bound is within the limit;
- `mean`: the same model, but the predicted mean has to be within the limit;
- `measuring`: two of the measurements as above, the others one by one where they decide for the
  three limits together (`search_measuring`); then as `bound`.

So 10 measurements are 10 runs on the device for all of its limits.

Results are appended to ``results/search.jsonl``, one line a search; what is there is not run again.
``docs/search.md`` is rendered from the file.

    python benchmarks/search.py --data ../shared/data      run what is missing, then render
    python benchmarks/search.py --render                   render only
    python benchmarks/search.py --data ... --development   source devices as targets, held out in
                                                           turn; nothing of the targets is looked at
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from search_page import read_lines, render

from archcost.datasets import CostTable, read_accuracy
from archcost.datasets.source_help import HELP
from archcost.models import CostModel
from archcost.search import search_measuring
from archcost.search.measured_searching import MeasuredChoice, choose_within
from archcost.spaces import get_space
from archcost.training import suggest, transfer

RESULTS = Path(__file__).parent / "results" / "search.jsonl"
SPACE = get_space("nasbench201")
SOURCES = (
    "1080ti_1", "1080ti_32", "1080ti_256", "silver_4114", "silver_4210r", "samsung_a50", "pixel3",
    "essential_ph_1", "samsung_s7",
)  # fmt: skip
LIMITS_MS = {
    "titan_rtx_256": (18.0, 21.0, 25.0),
    "gold_6226": (8.0, 11.0, 14.0),
    "pixel2": (14.0, 18.0, 22.0),
    "eyeriss": (5.0, 7.0, 9.0),
    "fpga": (4.0, 5.0, 6.0),
}
N_SOURCE = 900
N_MEASURED = (10, 20)
N_START = 2
"""Measurements before the first that is aimed at a limit; chosen on source devices, as LEVEL."""
SEEDS = range(3)
LEVEL = 0.99
"""One-sided probability of the upper bound of what was not measured."""


class Task(NamedTuple):
    """One device, known by `n` measurements, and its limits."""

    device: str
    limits_ms: tuple[float, ...]
    n: int
    seed: int


Costs = Mapping[str, float]


def main() -> None:
    """Run what is missing and render."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of the published tables")
    parser.add_argument("--render", action="store_true", help="render only")
    parser.add_argument("--development", action="store_true", help="source devices as targets")
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    parser.add_argument("--level", type=float, default=LEVEL)
    arguments = parser.parse_args()
    if arguments.render:
        render()
        return
    folder = arguments.data / HELP.folder
    table = HELP.parse(folder).select(space=SPACE.name)
    accuracy = read_accuracy(folder / "nasbench201" / "arch_generated_by_metad2a.txt", SPACE)
    if arguments.development:
        develop(table, accuracy, arguments.seeds, arguments.level)
        return
    done = {(r["device"], r["n"], r["seed"], r["level"]) for r in read_lines(RESULTS)}
    for n in N_MEASURED:
        for seed in range(arguments.seeds):
            for device, limits_ms in LIMITS_MS.items():
                if (device, n, seed, arguments.level) in done:
                    continue
                task = Task(device, limits_ms, n, seed)
                lines = list(run(task, table, accuracy, SOURCES, arguments.level))
                RESULTS.parent.mkdir(exist_ok=True)
                with RESULTS.open("a") as file:
                    file.writelines(json.dumps(line) + "\n" for line in lines)
    render()


def develop(table: CostTable, accuracy: pd.Series, seeds: int, level: float) -> None:
    """Print how the protocol fares on source devices, each left out of the sources in turn."""
    lines = []
    for device in SOURCES:
        truth = costs_of(table, device)
        limits = np.quantile([truth[arch] for arch in accuracy.index], [0.2, 0.5, 0.8])
        others = tuple(source for source in SOURCES if source != device)
        for n in N_MEASURED:
            for seed in range(seeds):
                task = Task(device, tuple(map(float, limits)), n, seed)
                lines += run(task, table, accuracy, others, level)
    frame = pd.DataFrame(lines)
    frame["lost"] = frame["best"] - frame["accuracy"]
    print(frame.groupby(["n", "way"])[["kept", "lost"]].mean())
    print(frame.groupby(["n", "way", "device"])[["kept", "lost"]].mean().unstack("way").round(3))


def run(
    task: Task,
    table: CostTable,
    accuracy: pd.Series,
    sources: tuple[str, ...],
    level: float,
) -> Iterator[dict[str, Any]]:
    """Yield a result for each limit and way to choose."""
    truth = costs_of(table, task.device)
    known = source_table(table, sources, task.seed)
    candidates = list(accuracy.index)

    def fit(measured: Costs) -> CostModel:
        return transfer(SPACE, dict(measured), device=task.device, sources=known, seed=task.seed)

    def suggested(n: int) -> list[str]:
        return suggest(SPACE, n, sources=known, candidates=candidates, seed=task.seed)

    measured = {arch: truth[arch] for arch in suggested(task.n)}
    model = fit(measured)
    decided = search_measuring(
        accuracy,
        task.limits_ms,
        measure=truth.__getitem__,
        fit=fit,
        start=suggested(N_START),
        n_measurements=task.n,
        level=level,
    )
    for limit_ms, aimed in zip(task.limits_ms, decided, strict=True):
        within = [accuracy[arch] for arch in candidates if truth[arch] <= limit_ms]
        choices = {
            "bound": choose_within(accuracy, limit_ms, model, measured, level),
            "mean": choose_within(accuracy, limit_ms, model, measured, 0.5),
            "measuring": aimed,
        }
        for way, choice in choices.items():
            yield {
                "device": task.device, "limit_ms": limit_ms, "n": task.n, "seed": task.seed,
                "level": level, "way": way, "best": max(within), **outcome(choice, truth, limit_ms),
            }  # fmt: skip


def outcome(choice: MeasuredChoice, truth: Costs, limit_ms: float) -> dict[str, Any]:
    """Return what a choice is in truth; choosing nothing keeps every limit, and is worth 0."""
    if choice.arch is None:
        return {"arch": None, "accuracy": 0.0, "latency_ms": None, "kept": True}
    return {
        "arch": choice.arch,
        "accuracy": choice.score,
        "latency_ms": truth[choice.arch],
        "kept": truth[choice.arch] <= limit_ms,
    }


def costs_of(table: CostTable, device: str) -> dict[str, float]:
    """Return the true latency of every architecture, in ms."""
    ops, latency_ms = table.costs(f"nasbench201-{device}-latency-cifar10")
    return dict(zip(SPACE.format_many(ops), latency_ms.tolist(), strict=True))


def source_table(table: CostTable, sources: tuple[str, ...], seed: int) -> CostTable:
    """Return 900 architectures, the same for every source, with their latency."""
    rows = np.random.default_rng(seed).permutation(SPACE.size)[:N_SOURCE]
    parts = []
    for device in sources:
        ops, latency_ms = table.costs(f"nasbench201-{device}-latency-cifar10")
        parts.append(CostTable.from_costs(SPACE, ops[rows], latency_ms[rows], device=device))
    return CostTable.concat(parts)


if __name__ == "__main__":
    main()
