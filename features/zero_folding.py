"""Which ops of a graph run where a converter folds zeros away.

An edge that writes zeros, such as ``none`` of NAS-Bench-201, is a product with zero. TensorFlow
Lite's converter treats it like this:

- The product is fused into the convolution before it, where that convolution's result goes
  nowhere else. The zero then is a convolution with zero weights, which runs like any other.
- Elsewhere the product is replaced by a constant, and what only led there is removed.
- A sum with constants is no sum, and an identity is no op: both pass a convolution on as it is.
- A network whose output does not depend on its input is a constant; nothing of it runs.

So a dead convolution may well run, and everything before it. The rule was found by reading all
rows of the published pixel3 and raspi4 tables of NAS-Bench-201, which agree on it; for graphs of
other shapes it is the same rule, and unproven. On CPUs and GPUs that execute everything it means
nothing, and the predictors that see its columns learn to leave them.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.spaces.liveness import (
    graph_edges,
    is_present,
    nodes_from_input,
    nodes_to_output,
    op_roles,
)
from archcost.spaces.space import SearchSpace

CONSTANT, CONVOLUTION, OTHER = 0, 1, 2
"""What a node's value is: a constant, one convolution's own result, or something else."""

Bools = npt.NDArray[np.bool_]


class FoldedGraphs(NamedTuple):
    """Graphs after folding.

    Parameters
    ----------
    runs : array of bool, shape (n_archs, n_positions)
        Ops that are executed; never one that writes zeros.
    n_sums : array of int, shape (n_archs,)
        Sums of two tensors that are executed.
    depends_on_input : array of bool, shape (n_archs,)
        False for graphs of which nothing is executed.
    """

    runs: Bools
    n_sums: npt.NDArray[np.int64]
    depends_on_input: Bools


def fold_zeros(space: SearchSpace, ops: npt.NDArray[Any]) -> FoldedGraphs:
    """Fold the edges that write zeros as TensorFlow Lite's converter does.

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.

    Returns
    -------
    FoldedGraphs
        What is left to execute.
    """
    ops = np.asarray(ops)
    present = _edge_values(space, ops) != CONSTANT
    depends = nodes_from_input(space, present)[:, -1]
    needed = nodes_to_output(space, present)[:, [target for _, target in graph_edges(space)]]
    executed = present & needed & depends[:, None]
    return FoldedGraphs(executed & is_present(space, ops), joins(space, executed), depends)


def joins(space: SearchSpace, executed: Bools) -> npt.NDArray[np.int64]:
    """Return how many sums of two tensors the edges `executed` need; shape ``(n_archs,)``."""
    targets = np.array([target for _, target in graph_edges(space)])
    n_sums = np.zeros(len(executed), dtype=np.int64)
    for node in np.unique(targets):
        n_sums += np.maximum(executed[:, targets == node].sum(axis=1) - 1, 0)
    return n_sums


def _edge_values(space: SearchSpace, ops: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return what each edge hands to its target: constant, convolution or other.

    A zero is fused into the convolution before it if nothing but zeros uses that convolution and
    this zero is the one that is left: zeros on longer edges are replaced by constants first.
    ``unused`` tells for each node whether all that uses its convolution elsewhere, before an
    identity passed it on to the node, is zeros.
    """
    edges, roles = graph_edges(space), op_roles(space)
    is_zero, is_identity, is_convolution = (role[np.arange(len(edges)), ops] for role in roles)
    shape = len(ops), 1 + edges[-1][1]
    nodes, unused = np.full(shape, CONSTANT), np.ones(shape, dtype=bool)
    nodes[:, 0] = OTHER
    values = np.full(ops.shape, CONSTANT)
    for edge, (source, target) in enumerate(edges):  # sorted by target: sources are complete
        siblings = [other for other, (start, _) in enumerate(edges) if start == source]
        others = [other for other in siblings if other != edge]
        only_zeros = is_zero[:, others].all(axis=1) & unused[:, source]
        before = nodes[:, source]
        fused = (before == CONVOLUTION) & only_zeros & (edge == siblings[0])
        value = np.where(is_convolution[:, edge], CONVOLUTION, OTHER)  # even of zeros: they do run
        value = np.where(is_identity[:, edge], before, value)
        value = np.where(is_zero[:, edge], np.where(fused, CONVOLUTION, CONSTANT), value)
        values[:, edge] = value
        first = nodes[:, target] == CONSTANT
        own = ~is_identity[:, edge] | only_zeros
        unused[:, target] = np.where(first, own, unused[:, target])
        both = ~first & (value != CONSTANT)
        nodes[:, target] = np.where(both, OTHER, np.where(first, value, nodes[:, target]))
    return values
