"""Once-for-all on made-up GPU-like devices: with 900 measurements, and with 20.

No GPU table of once-for-all with a licence to ship is at hand, so devices are made up. A kernel
(one layer; what is fused counts once) takes

    launch + max(waves * FLOPs of a tile / rate of a processor, bytes moved / bandwidth)

where a layer's output is cut into tiles of `TILE` values, as many at a time as there are
processors, and the last wave takes as long as a full one. Every measurement is off by `NOISE`
(log-normal). With batch 1 most kernels are too small to fill a GPU, so that the count of kernels
decides as much as their work: what a resolution costs depends on the device.

    python benchmarks/gpu_like.py [SEEDS]
"""

import sys
from collections import defaultdict
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from lightgbm import LGBMRegressor
from scipy.stats import spearmanr

from archcost.datasets import CostTable
from archcost.features import OneHotOps
from archcost.features.whole_work import whole_work
from archcost.networks.layers import Layer
from archcost.predictors import PREDICTORS
from archcost.spaces import get_space
from archcost.spaces.position_work import network_work
from archcost.training import transfer

Floats = npt.NDArray[np.float64]

TILE = 2048
NOISE = 0.04
N_ARCHS, N_MANY, N_FEW, N_OF_SOURCES = 2000, 900, 20, 300
SPACE = get_space("ofa_mbv3")
DATASET = SPACE.default_dataset


class Device(NamedTuple):
    """A GPU: how fast, how wide, and what starting a kernel takes."""

    name: str
    tflops: float
    gb_per_s: float
    processors: int
    launch_us: float
    batch_size: int


DEVICES = (
    Device("large_1", 14.0, 900.0, 80, 5.0, 1),
    Device("large_32", 14.0, 900.0, 80, 5.0, 32),
    Device("middle_1", 6.0, 300.0, 28, 6.0, 1),
    Device("middle_16", 6.0, 300.0, 28, 6.0, 16),
    Device("embedded_1", 0.6, 50.0, 4, 12.0, 1),
    Device("embedded_8", 0.6, 50.0, 4, 12.0, 8),
)


def kernel_ms(device: Device, layer: Layer) -> Floats:
    """Return the time of one layer on a device."""
    outputs = layer.output_bytes / 4 * device.batch_size
    waves = np.ceil(max(1.0, outputs / TILE) / device.processors)
    flops_a_tile = layer.flops * device.batch_size / max(1.0, outputs / TILE)
    compute_s = waves * flops_a_tile / (device.tflops * 1e12 / device.processors)
    moved = (layer.input_bytes + layer.output_bytes) * device.batch_size + layer.weight_bytes
    seconds = device.launch_us * 1e-6 + max(compute_s, moved / (device.gb_per_s * 1e9))
    return np.array([1e3 * seconds])


def latencies(device: Device, ops: npt.NDArray[np.int8], seed: int) -> Floats:
    """Return measurements in ms."""
    true = network_work(SPACE, ops, DATASET, partial(kernel_ms, device))[:, 0]
    return true * np.exp(NOISE * np.random.default_rng(seed).standard_normal(len(ops)))


def scores(truth: Floats, guess: Floats) -> tuple[float, float]:
    """Return Spearman's correlation and the mean absolute percentage error."""
    return float(spearmanr(truth, guess).statistic), float(np.mean(np.abs(guess / truth - 1)))


def main() -> None:
    """Print one line a device and method: mean over draws."""
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
    ops = SPACE.sample(N_ARCHS, seed=7)
    one_hot = np.asarray(OneHotOps().bind(SPACE).transform(ops), dtype=np.float64)
    totals = np.hstack([one_hot, network_work(SPACE, ops, DATASET, whole_work)])
    costs = {d.name: latencies(d, ops, place) for place, d in enumerate(DEVICES)}
    tables = {
        name: CostTable.from_costs(SPACE, ops[:N_OF_SOURCES], cost[:N_OF_SOURCES], device=name)
        for name, cost in costs.items()
    }
    for name, cost in costs.items():
        found: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for seed in seeds:
            rows = np.random.default_rng(seed).permutation(len(ops))
            many, few, test = rows[:N_MANY], rows[:N_FEW], rows[N_MANY:]
            measured = dict(zip(SPACE.format_many(ops[few]), cost[few].tolist(), strict=True))
            others = [table for other, table in tables.items() if other != name]
            plain = LGBMRegressor(n_jobs=1, verbosity=-1).fit(totals[many], cost[many])
            guesses = {
                "20, alone": transfer(SPACE, measured, sources=[], seed=seed).predict(ops[test]),
                "900, totals_lightgbm": plain.predict(totals[test]),
            }
            for kind in ("ridge", "gp"):
                model = PREDICTORS[kind](seed=seed).fit(ops[many], cost[many], space=SPACE)
                guesses[f"900, {kind}"] = model.predict(ops[test])
            helped = transfer(SPACE, measured, sources=others, seed=seed)
            guesses["20, other devices"] = helped.predict(ops[test])
            for method, guess in guesses.items():
                found[method].append(scores(cost[test], guess))
        for method, values in found.items():
            (spearman, mape), (spread, _) = np.mean(values, axis=0), np.std(values, axis=0)
            print(f"{name:12} {method:22} {spearman:.4f} ±{spread:.4f}  {mape:.4f}", flush=True)


if __name__ == "__main__":
    main()
