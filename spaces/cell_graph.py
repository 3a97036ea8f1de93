"""The graph of NAS-Bench-201 cells: which ops matter, and which cells are the same network.

Runtimes differ in what they drop. TensorFlow Lite (pixel3, raspi4) does not execute an op whose
result can reach the output only through ``none`` edges, but does execute one that is fed by zeros.
"""

import itertools
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.spaces.nasbench201_layout import EDGES
from archcost.spaces.op_checks import Ops

NONE, SKIP = 0, 1
Bools = npt.NDArray[np.bool_]


def _nodes_from_input(present: Bools) -> Bools:
    """Return which of the 4 nodes carry something non-zero; shape (n_archs, 4)."""
    nodes = np.zeros((len(present), 4), dtype=bool)
    nodes[:, 0] = True
    for edge, (source, target) in enumerate(EDGES):  # sorted by target: sources are complete
        nodes[:, target] |= nodes[:, source] & present[:, edge]
    return nodes


def _nodes_to_output(present: Bools) -> Bools:
    """Return which of the 4 nodes can reach the output; shape (n_archs, 4)."""
    nodes = np.zeros((len(present), 4), dtype=bool)
    nodes[:, 3] = True
    for edge, (source, target) in reversed(list(enumerate(EDGES))):
        nodes[:, source] |= nodes[:, target] & present[:, edge]
    return nodes


def backward_live(ops: npt.NDArray[Any]) -> Bools:
    """Tell which ops' results can reach the cell's output without passing a ``none`` edge.

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    numpy.ndarray of bool, shape (n_archs, 6)
        True where the op is not ``none`` and its target node reaches the output.
    """
    present = np.asarray(ops) != NONE
    return present & _nodes_to_output(present)[:, [target for _, target in EDGES]]


def forward_live(ops: npt.NDArray[Any]) -> Bools:
    """Tell which ops are fed by something other than zeros.

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    numpy.ndarray of bool, shape (n_archs, 6)
        True where the op is not ``none`` and the input reaches its source node.
    """
    present = np.asarray(ops) != NONE
    return present & _nodes_from_input(present)[:, [source for source, _ in EDGES]]


def connected(ops: npt.NDArray[Any]) -> Bools:
    """Tell which cells have a path from input to output; shape ``(n_archs,)``."""
    return _nodes_from_input(np.asarray(ops) != NONE)[:, 3]


def canonical(ops: npt.NDArray[Any]) -> Ops:
    """Return one representative of each cell's isomorphism class.

    Two cells are isomorphic if they apply the same ops to the same sums, whatever the weights:
    dead ops are dropped, a skip is the identity, sums commute and associate.

    Parameters
    ----------
    ops : array of int, shape (n_archs, 6)
        Valid op ids of NAS-Bench-201.

    Returns
    -------
    numpy.ndarray of int8, shape (n_archs, 6)
        The first cell of each one's class in the plain enumeration.

    Notes
    -----
    There are 4,930 classes. The paper counts 6,466 because its rule keeps sums of zeros and
    nested sums apart; every class of the paper lies within one of these.

    References
    ----------
    X. Dong, Y. Yang, "NAS-Bench-201", ICLR 2020, section 2.1.
    """
    digits = 5 ** np.arange(5, -1, -1)
    representative = _representatives()[np.asarray(ops, dtype=np.int64) @ digits]
    return (representative[..., None] // digits % 5).astype(np.int8)


@cache
def _representatives() -> npt.NDArray[np.int64]:
    first: dict[tuple[str, ...], int] = {}
    cells = itertools.product(range(5), repeat=len(EDGES))
    codes = [first.setdefault(_output_terms(cell), code) for code, cell in enumerate(cells)]
    return np.array(codes, dtype=np.int64)


def _output_terms(cell: tuple[int, ...]) -> tuple[str, ...]:
    """Return the terms whose sum is the cell's output; equal terms, equal functions."""
    nodes: list[list[str]] = [["x"], [], [], []]
    for op, (source, target) in zip(cell, EDGES, strict=True):
        if op == NONE or not nodes[source]:
            continue
        total = "+".join(sorted(nodes[source]))
        nodes[target] += nodes[source] if op == SKIP else [f"{op}({total})"]
    return tuple(sorted(nodes[3]))
