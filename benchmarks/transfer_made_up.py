"""Devices on which constants of `transfer` may be chosen: made-up ones, and tables of our own.

A made-up device has a physics that no published table has, with constants that nobody knows: they
are drawn anew for each seed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from archcost.features.critical_paths import longest_path
from archcost.spaces import NASBench201
from archcost.spaces.liveness import backward_live, forward_live, graph_edges

Floats = npt.NDArray[np.float64]
Live = npt.NDArray[np.bool_]

CELLS = NASBench201()
NOISE = 0.01
"""Relative standard deviation of a measurement."""

OWN = ("cpu_onnxruntime", "cpu_litert", "cpu_litert_int8", "cpu_openvino", "ethos_u55")
"""Tables of our own that are taken for new devices."""
SOURCES = ("1080ti_1", "silver_4114", "samsung_a50", "pixel3")
"""Known devices of HELP, sources of its task ND."""


def op_times(rng: np.random.Generator) -> Floats:
    """Draw the time of each op: none, identity, the convolutions 1x1 and 3x3, the pooling."""
    return np.array([0.0, 0.0, rng.uniform(0.15, 1.0), 1.0, rng.uniform(0.15, 1.0)])


def critical(rng: np.random.Generator, live: Live) -> Floats:
    """Cost follows the longest path: branches run at once."""
    return rng.uniform(0.5, 2.0) + longest_path(CELLS, live, op_times(rng)[CELLS.all_ops])


def forks(rng: np.random.Generator, live: Live) -> Floats:
    """Branches run at once in part, and each node that several ops leave costs a fork."""
    times = op_times(rng)[CELLS.all_ops]
    start = rng.uniform(0.5, 2.0)
    leaving = np.zeros((len(live), 1 + max(target for _, target in graph_edges(CELLS))))
    for edge, (source, _) in enumerate(graph_edges(CELLS)):
        leaving[:, source] += live[:, edge]
    cost = start + 0.6 * longest_path(CELLS, live, times) + 0.4 * (times * live).sum(axis=1)
    total: Floats = cost + 0.15 * (leaving >= 2).sum(axis=1)
    return total


def mixed(rng: np.random.Generator, live: Live) -> Floats:
    """Each op takes the larger of a compute time and a memory time."""
    compute, memory = op_times(rng), np.append([0.0], rng.uniform(0.1, 0.6, 4))
    start = rng.uniform(0.5, 2.0)
    total: Floats = start + (np.maximum(compute, memory)[CELLS.all_ops] * live).sum(axis=1)
    return total


def rounded(rng: np.random.Generator, live: Live) -> Floats:
    """As ``critical``, reported in whole milliseconds."""
    return np.maximum(np.round(15 * critical(rng, live)), 1.0)


def outliers(rng: np.random.Generator, live: Live) -> Floats:
    """As ``critical``; of what is measured, one in ten takes 2 to 4 times as long."""
    return critical(rng, live)


MADE_UP: dict[str, Callable[[np.random.Generator, Live], Floats]] = {
    "made_up_critical": critical,
    "made_up_forks": forks,
    "made_up_mixed": mixed,
    "made_up_rounded": rounded,
    "made_up_outliers": outliers,
}


def made_up(name: str, seed: int) -> tuple[Floats, Floats]:
    """Return the costs of a made-up device as they are, and as they are measured.

    Parameters
    ----------
    name : str
        One of ``MADE_UP``.
    seed : int
        Fixes its constants and its noise.

    Returns
    -------
    truth, measured : numpy.ndarray of float64, shape (n_archs,)
        In the order of ``all_ops``.
    """
    rng = np.random.default_rng([seed, *name.encode()])
    ops = CELLS.all_ops
    live = backward_live(CELLS, ops) & forward_live(CELLS, ops)
    truth = MADE_UP[name](rng, live)
    if name == "made_up_rounded":
        return truth, truth
    measured = truth * np.exp(NOISE * rng.standard_normal(len(truth)))
    if name == "made_up_outliers":
        hit = rng.uniform(size=len(truth)) < 0.1
        measured = np.where(hit, measured * rng.uniform(2.0, 4.0, len(truth)), measured)
    return truth, measured
