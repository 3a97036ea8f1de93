"""Features of architectures as graphs: what is live, what runs, how deep they are.

They hold for every space that has ``edges``. Columns count ops by name, those that only write
zeros left out; what an op is, is told from its layers (``archcost.spaces.liveness.op_roles``).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.features.critical_paths import (
    critical_features,
    longest_path,
    weighting_name,
    weightings,
)
from archcost.features.merged_ops import (
    distinct_features,
    live_distinct_features,
    working_ops,
)
from archcost.features.zero_folding import fold_zeros, joins
from archcost.spaces.liveness import (
    backward_live,
    connected,
    counted_ops,
    forward_live,
    op_roles,
)
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]


def live_features(space: SearchSpace, ops: Ops) -> Floats:
    """Count by op what reaches the output, and the sums in the pruned graph.

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_counted + 2)
        Counts of the ops that are backward live; whether input and output are connected; sums of
        two tensors in the pruned graph.
    """
    backward = backward_live(space, ops)
    pruned = backward & forward_live(space, ops)
    return _columns(*_counts(space, ops, backward), connected(space, ops), joins(space, pruned))


def pruned_features(space: SearchSpace, ops: Ops) -> Floats:
    """Count by op what lies on a path from input to output.

    That is what a graph compiler leaves, such as ONNX Runtime's, which folds constants.

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_counted)
        Counts of the ops that are live both ways.
    """
    return _columns(*_counts(space, ops, backward_live(space, ops) & forward_live(space, ops)))


def folded_features(space: SearchSpace, ops: Ops) -> Floats:
    """Count by op what runs where a converter folds zeros (``fold_zeros``).

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_counted + 2)
        Counts of the ops that run; whether anything does; sums of two tensors that run.
    """
    folded = fold_zeros(space, ops)
    counts = _counts(space, ops, folded.runs)
    return _columns(*counts, folded.depends_on_input, folded.n_sums)


def path_features(space: SearchSpace, ops: Ops) -> Floats:
    """Count by op what the input reaches, and measure the depth of the pruned graph.

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_counted + 2)
        Counts of the ops that are forward live; ops on the longest path of the pruned graph, and
        on the longest if identities do not count.
    """
    forward = forward_live(space, ops)
    pruned = forward & backward_live(space, ops)
    is_identity = op_roles(space).identity[np.arange(space.n_positions), ops]
    depths = (
        longest_path(space, pruned, np.ones(pruned.shape)),
        longest_path(space, pruned, (~is_identity).astype(np.float64)),
    )
    return _columns(*_counts(space, ops, forward), *depths)


class GraphGroup(NamedTuple):
    """A group of graph features.

    Parameters
    ----------
    prefix : str
        Before the names of the counted ops.
    others : tuple of str
        Names of the columns that follow the counts.
    columns : callable
        ``columns(space, ops)`` returns the features ``(n_archs, n_features)``.
    counted : callable
        ``counted(space)`` returns the ids of the ops that are counted.
    """

    prefix: str
    others: tuple[str, ...]
    columns: Callable[[SearchSpace, Ops], Floats]
    counted: Callable[[SearchSpace], list[int]] = counted_ops

    def names(self, space: SearchSpace) -> list[str]:
        """Return the names of the columns."""
        counted = [f"{self.prefix}_{space.op_names[op]}" for op in self.counted(space)]
        return [*counted, *self.others]


class PathGroup(NamedTuple):
    """The longest path under each weighting of the ops (``critical_features``)."""

    columns: Callable[[SearchSpace, Ops], Floats] = critical_features

    def names(self, space: SearchSpace) -> list[str]:
        """Return the names of the columns."""
        return [weighting_name(space, weights) for weights in weightings(space)]


GRAPH_GROUPS: dict[str, GraphGroup | PathGroup] = {
    "live": GraphGroup("live", ("connected", "joins"), live_features),
    "pruned": GraphGroup("pruned", (), pruned_features),
    "folded": GraphGroup("runs", ("runs_anything", "runs_joins"), folded_features),
    "paths": GraphGroup("fed", ("depth", "depth_without_skips"), path_features),
    "distinct": GraphGroup("distinct", ("distinct_read",), distinct_features, working_ops),
    "live_distinct": GraphGroup(
        "live_distinct", ("live_distinct_read",), live_distinct_features, working_ops
    ),
    "critical": PathGroup(),
}
"""Every group of graph features."""


def _counts(
    space: SearchSpace, ops: Ops, mask: npt.NDArray[np.bool_]
) -> list[npt.NDArray[np.int64]]:
    return [((np.asarray(ops) == op) & mask).sum(axis=1) for op in counted_ops(space)]


def _columns(*columns: Any) -> Floats:
    return np.stack(columns, axis=1).astype(np.float64)
