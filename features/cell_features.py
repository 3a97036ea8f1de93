"""Features of a NAS-Bench-201 cell as a graph: what is live, what runs, how deep it is."""

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.datasets.cell_graph import backward_live, connected, forward_live
from archcost.datasets.nasbench201 import EDGES, NASBench201
from archcost.features.zero_folding import fold_zeros

Floats = npt.NDArray[np.float64]
SKIP = 1
LIVE_OPS = NASBench201.op_names[1:]

CELL_FEATURES: tuple[str, ...] = (
    *(f"backward_live_{op}" for op in LIVE_OPS),
    *(f"forward_live_{op}" for op in LIVE_OPS),
    *(f"runs_{op}" for op in LIVE_OPS),
    "connected",
    "runs_anything",
    "joins",
    "runs_joins",
    "depth",
    "depth_without_skips",
)
"""Names of the columns of ``cell_features``."""


def cell_features(ops: npt.NDArray[Any]) -> Floats:
    """Describe cells by their pruned graphs.

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_features)
        Counts of ops that are backward live, forward live, and executed where ``none`` is
        folded (``zero_folding``); whether input and output are connected, and whether anything
        is executed; sums of two tensors in the pruned graph and among what is executed; ops on
        the longest path of the pruned graph, with skips and without. Columns as in
        ``CELL_FEATURES``.
    """
    ops = np.asarray(ops)
    backward, forward = backward_live(ops), forward_live(ops)
    folded = fold_zeros(ops)
    live = backward & forward
    columns = [
        (ops == op) & mask for mask in (backward, forward, folded.runs) for op in range(1, 5)
    ]
    counts = [column.sum(axis=1) for column in columns]
    targets = np.array([target for _, target in EDGES])
    joins = sum(np.maximum(live[:, targets == node].sum(axis=1) - 1, 0) for node in (2, 3))
    rest = [
        connected(ops),
        folded.depends_on_input,
        joins,
        folded.n_sums,
        _depth(live, np.ones_like(ops)),
        _depth(live, ops != SKIP),
    ]
    return np.stack([*counts, *rest], axis=1).astype(np.float64)


def _depth(live: npt.NDArray[np.bool_], lengths: npt.NDArray[Any]) -> Floats:
    """Return the length of the longest live path, 0 where there is none."""
    depth = np.full((len(live), 4), -np.inf)
    depth[:, 0] = 0
    for edge, (source, target) in enumerate(EDGES):
        path = np.where(live[:, edge], depth[:, source] + lengths[:, edge], -np.inf)
        depth[:, target] = np.maximum(depth[:, target], path)
    return np.maximum(depth[:, 3], 0)
