"""Which ops of a NAS-Bench-201 cell run where a converter folds ``none`` away.

A ``none`` edge is a product with zero. TensorFlow Lite's converter treats it like this:

- The product is fused into the convolution before it, where that convolution's result goes
  nowhere else. The zero then is a convolution with zero weights, which runs like any other.
- Elsewhere the product is replaced by a constant, and what only led there is removed.
- A sum with constants is no sum, and a skip is no op: both pass a convolution on as it is.
- A network whose output does not depend on its input is a constant; nothing of it runs.

So a dead convolution may well run, and everything before it. The rule was found by reading all
rows of the published pixel3 and raspi4 tables, which agree on it. On CPUs and GPUs that execute
everything it means nothing, and the predictors that see its columns learn to leave them.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.spaces.nasbench201_layout import EDGES

NONE, SKIP, POOL = 0, 1, 4
CONSTANT, CONVOLUTION, OTHER = 0, 1, 2
"""What a node's value is: a constant, one convolution's own result, or something else."""

Bools = npt.NDArray[np.bool_]


class FoldedCells(NamedTuple):
    """Cells after folding.

    Parameters
    ----------
    runs : array of bool, shape (n_archs, 6)
        Ops that are executed; never ``none``.
    n_sums : array of int, shape (n_archs,)
        Sums of two tensors that are executed.
    depends_on_input : array of bool, shape (n_archs,)
        False for cells of which nothing is executed.
    """

    runs: Bools
    n_sums: npt.NDArray[np.int64]
    depends_on_input: Bools


def fold_zeros(ops: npt.NDArray[Any]) -> FoldedCells:
    """Fold the ``none`` edges of cells as TensorFlow Lite's converter does.

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    FoldedCells
        What is left to execute.
    """
    ops = np.asarray(ops)
    edge_value = _edge_values(ops)
    present = edge_value != CONSTANT
    needed = np.zeros((len(ops), 4), dtype=bool)
    needed[:, 3] = True
    reached = np.zeros((len(ops), 4), dtype=bool)
    reached[:, 0] = True
    for edge, (source, target) in enumerate(EDGES):
        reached[:, target] |= reached[:, source] & present[:, edge]
    for edge, (source, target) in reversed(list(enumerate(EDGES))):
        needed[:, source] |= needed[:, target] & present[:, edge]
    depends = reached[:, 3]
    targets = np.array([target for _, target in EDGES])
    executed = present & needed[:, targets] & depends[:, None]
    sums = [np.maximum(executed[:, targets == node].sum(axis=1) - 1, 0) for node in (2, 3)]
    return FoldedCells(executed & (ops != NONE), sums[0] + sums[1], depends)


def _edge_values(ops: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return what each edge hands to its target: constant, convolution or other."""
    nodes = np.full((len(ops), 4), CONSTANT)
    nodes[:, 0] = OTHER
    values = np.full((len(ops), 6), CONSTANT)
    for edge, (source, target) in enumerate(EDGES):  # sorted by target: sources are complete
        before, op = nodes[:, source], ops[:, edge]
        fused = (before == CONVOLUTION) & _is_only_consumer(ops, nodes, edge)
        zero = np.where(fused, CONVOLUTION, CONSTANT)
        value = np.where(op == POOL, OTHER, CONVOLUTION)  # even of zeros: those ops do run
        value = np.where(op == SKIP, before, value)
        values[:, edge] = value = np.where(op == NONE, zero, value)
        sole = np.where(nodes[:, target] == CONSTANT, value, nodes[:, target])
        both = (nodes[:, target] != CONSTANT) & (value != CONSTANT)
        nodes[:, target] = np.where(both, OTHER, sole)
    return values


def _is_only_consumer(ops: npt.NDArray[Any], nodes: npt.NDArray[np.int64], edge: int) -> Bools:
    """Tell where a ``none`` is all that still uses the convolution it follows.

    Node 1 has two consumers: its ``none`` to the output is replaced first, so that the one to
    node 2 is left alone with the convolution, if both are ``none``. Node 2 has one, unless it
    is node 1 passed on by a skip.
    """
    to_output_is_none = ops[:, EDGES.index((1, 3))] == NONE
    if EDGES[edge] == (1, 2):
        return to_output_is_none
    if EDGES[edge] == (2, 3):
        passed_on = (ops[:, EDGES.index((1, 2))] == SKIP) & (nodes[:, 1] == CONVOLUTION)
        only: Bools = to_output_is_none | ~passed_on
        return only
    return np.zeros(len(ops), dtype=bool)
