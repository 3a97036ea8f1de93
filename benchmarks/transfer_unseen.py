"""Transfer to made-up devices of kinds that no constant was chosen on.

    python benchmarks/transfer_unseen.py --seeds 3       some two minutes; prints tables

All sources that ship are known; the figures of `docs/notes/transfer.md` come from here.
"""

import argparse
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
from transfer_made_up import CELLS, op_times

from archcost.features.critical_paths import longest_path
from archcost.spaces.liveness import backward_live, forward_live, graph_edges
from archcost.training import suggest, transfer
from archcost.training.metrics import spearman

Floats = npt.NDArray[np.float64]

OPS = CELLS.all_ops
LIVE = backward_live(CELLS, OPS) & forward_live(CELLS, OPS)
EDGES = graph_edges(CELLS)
COUNTS = (10, 20, 50)
NOISE = 0.015
"""Relative standard deviation of a measurement."""


def _sum(times: Floats) -> Floats:
    total: Floats = (times[OPS] * LIVE).sum(axis=1)
    return total


def merging(rng: np.random.Generator) -> Floats:
    """Equal ops on one tensor are computed once."""
    times, cost = op_times(rng), np.full(len(OPS), rng.uniform(0.5, 2.0))
    for op in (2, 3, 4):
        for node in {source for source, _ in EDGES}:
            leaving = [edge for edge, (source, _) in enumerate(EDGES) if source == node]
            cost += times[op] * ((OPS[:, leaving] == op) & LIVE[:, leaving]).any(axis=1)
    return cost


def memory_bound(rng: np.random.Generator) -> Floats:
    """Every op costs about what it reads and writes, and sums of tensors cost too."""
    times = np.array([0.0, 0.0, 1.0, 1.1, 0.8]) * rng.uniform(0.7, 1.3, 5)
    cost = rng.uniform(0.3, 1.0) + _sum(times)
    entering = np.zeros((len(OPS), 1 + max(target for _, target in EDGES)))
    for edge, (_, target) in enumerate(EDGES):
        entering[:, target] += LIVE[:, edge] & (OPS[:, edge] != 0)
    cost += rng.uniform(0.3, 0.6) * np.maximum(entering - 1, 0).sum(axis=1)
    return cost


def cliff(rng: np.random.Generator) -> Floats:
    """Cells in which a node feeds three ops leave the cache and take 1.6 times as long."""
    cost = rng.uniform(0.5, 1.5) + _sum(op_times(rng))
    leaving = np.zeros((len(OPS), len(EDGES)))
    for edge, (source, _) in enumerate(EDGES):
        leaving[:, source] += LIVE[:, edge] & (OPS[:, edge] > 1)
    return cost * np.where(leaving.max(axis=1) >= 3, 1.6, 1.0)


def coarse(rng: np.random.Generator) -> Floats:
    """Costs are read from a timer that tells twelve of them apart."""
    cost = rng.uniform(0.5, 1.5) + _sum(op_times(rng))
    step = float(np.ptp(cost)) / 12
    return np.maximum(np.round(cost / step), 1.0) * step


def mixture(rng: np.random.Generator) -> Floats:
    """Half ``merging``, half the longest path; 8 % measured up to 6 times, 3 % at half the cost."""
    path = longest_path(CELLS, LIVE, op_times(rng)[OPS])
    return 0.5 * merging(rng) + 0.5 * (1 + path)


DEVICES: dict[str, Callable[[np.random.Generator], Floats]] = {
    made.__name__: made for made in (merging, memory_bound, cliff, coarse, mixture)
}


def costs(name: str, seed: int) -> tuple[Floats, Floats]:
    """Return the costs of a device as they are, and as they are measured."""
    rng = np.random.default_rng([seed, 7, *name.encode()])
    truth = DEVICES[name](rng)
    if name == "coarse":
        return truth, truth
    measured = truth * np.exp(NOISE * rng.standard_normal(len(truth)))
    if name == "mixture":
        which = rng.uniform(size=len(truth))
        measured = np.where(which < 0.08, measured * rng.uniform(1.5, 6, len(truth)), measured)
        measured = np.where((which >= 0.08) & (which < 0.11), measured / 2, measured)
    return truth, measured


def main() -> None:
    """Transfer to every device with random and with suggested measurements, and print scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    place = {row.tobytes(): number for number, row in enumerate(OPS)}
    rows = []
    for seed in range(parser.parse_args().seeds):
        chosen = CELLS.parse_many(suggest(CELLS, max(COUNTS), seed=seed)).astype(OPS.dtype)
        orders = {
            "random": np.random.default_rng(seed).permutation(len(OPS)),
            "chosen": np.array([place[row.tobytes()] for row in chosen]),
        }
        for device in DEVICES:
            truth, measured = costs(device, seed)
            for how, order in orders.items():
                for n in COUNTS:
                    pairs = {CELLS.format(OPS[i]): float(measured[i]) for i in order[:n]}
                    model = transfer(CELLS, pairs, seed=seed)
                    rest = np.setdiff1d(np.arange(len(OPS)), order[:n])
                    low, high = model.predict_interval(OPS[rest]).T
                    within = float(np.mean((low <= truth[rest]) & (truth[rest] <= high)))
                    score = spearman(truth[rest], model.predict(OPS[rest]))
                    rows.append((how, device, n, score, within))
    frame = pd.DataFrame(rows, columns=["how", "device", "n", "spearman", "within"])
    by_device = frame.groupby(["how", "device", "n"])[["spearman", "within"]].mean().unstack()
    print(by_device.round(3).to_string())
    print(frame.groupby(["how", "n"])[["spearman", "within"]].mean().round(3).to_string())


if __name__ == "__main__":
    main()
