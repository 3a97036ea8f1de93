"""Features of a NAS-Bench-201 cell as a graph: what is live, what runs, how deep it is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.features.zero_folding import fold_zeros
from archcost.spaces.cell_graph import backward_live, connected, forward_live
from archcost.spaces.nasbench201 import NASBench201
from archcost.spaces.nasbench201_layout import EDGES

Floats = npt.NDArray[np.float64]
SKIP = 1
OPS = NASBench201().op_names[1:]


def live_features(ops: npt.NDArray[Any]) -> Floats:
    """Count by op what reaches the output, and the sums in the pruned graph.

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, 6)
        Counts of the four ops that are backward live; whether input and output are connected;
        sums of two tensors in the pruned graph.
    """
    backward = backward_live(ops)
    live = backward & forward_live(ops)
    targets = np.array([target for _, target in EDGES])
    joins = sum(np.maximum(live[:, targets == node].sum(axis=1) - 1, 0) for node in (2, 3))
    return _columns(*_counts(ops, backward), connected(ops), joins)


def pruned_features(ops: npt.NDArray[Any]) -> Floats:
    """Count by op what lies on a path from input to output.

    That is what a graph compiler leaves, such as ONNX Runtime's, which folds constants.

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, 4)
        Counts of the four ops that are live both ways.
    """
    return _columns(*_counts(ops, backward_live(ops) & forward_live(ops)))


def folded_features(ops: npt.NDArray[Any]) -> Floats:
    """Count by op what runs where a converter folds ``none`` (``fold_zeros``).

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, 6)
        Counts of the four ops that run; whether anything does; sums of two tensors that run.
    """
    folded = fold_zeros(ops)
    return _columns(*_counts(ops, folded.runs), folded.depends_on_input, folded.n_sums)


def path_features(ops: npt.NDArray[Any]) -> Floats:
    """Count by op what the input reaches, and measure the depth of the pruned graph.

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, 6)
        Counts of the four ops that are forward live; ops on the longest path of the pruned
        graph, and on the longest if skips do not count.
    """
    ops = np.asarray(ops)
    forward = forward_live(ops)
    live = forward & backward_live(ops)
    depths = _depth(live, np.ones_like(ops)), _depth(live, ops != SKIP)
    return _columns(*_counts(ops, forward), *depths)


CELL_GROUPS: dict[str, tuple[list[str], Callable[[npt.NDArray[Any]], Floats]]] = {
    "live": ([f"live_{op}" for op in OPS] + ["connected", "joins"], live_features),
    "pruned": ([f"pruned_{op}" for op in OPS], pruned_features),
    "folded": ([f"runs_{op}" for op in OPS] + ["runs_anything", "runs_joins"], folded_features),
    "paths": ([f"fed_{op}" for op in OPS] + ["depth", "depth_without_skips"], path_features),
}
"""Names of the columns, and the function, of each group of graph features."""


def _counts(ops: npt.NDArray[Any], mask: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int64]]:
    return [((np.asarray(ops) == op) & mask).sum(axis=1) for op in range(1, 5)]


def _columns(*columns: Any) -> Floats:
    return np.stack(columns, axis=1).astype(np.float64)


def _depth(live: npt.NDArray[np.bool_], lengths: npt.NDArray[Any]) -> Floats:
    """Return the length of the longest live path, 0 where there is none."""
    depth = np.full((len(live), 4), -np.inf)
    depth[:, 0] = 0
    for edge, (source, target) in enumerate(EDGES):
        path = np.where(live[:, edge], depth[:, source] + lengths[:, edge], -np.inf)
        depth[:, target] = np.maximum(depth[:, target], path)
    return np.maximum(depth[:, 3], 0)
