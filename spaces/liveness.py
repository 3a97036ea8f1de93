"""Which ops matter in a space whose positions are the edges of a graph (``space.edges``).

A node is the sum of the edges that enter it. Runtimes differ in what they drop. TensorFlow Lite
(pixel3, raspi4) does not execute an op whose result can reach the output only through zeros, but
does execute one that is fed by zeros.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archcost.networks.layers import Layer
from archcost.spaces.position_work import Floats, position_work
from archcost.spaces.space import SearchSpace

Bools = npt.NDArray[np.bool_]


class OpRoles(NamedTuple):
    """What ops are in a graph, told from the layers that they add at their positions.

    Parameters
    ----------
    zero : array of bool, shape (n_positions, n_ops)
        Ops that write zeros whatever comes in: they add layers of the kind ``zero``.
    identity : array of bool, shape (n_positions, n_ops)
        Ops that pass on what comes in: they add no layer but the sums at the nodes.
    convolution : array of bool, shape (n_positions, n_ops)
        Ops that add convolutions and nothing else.
    """

    zero: Bools
    identity: Bools
    convolution: Bools


@cache
def op_roles(space: SearchSpace) -> OpRoles:
    """Return what the ops of a space are at each position; none of it where not allowed."""
    table = position_work(space, space.default_dataset, _kinds).table.sum(axis=2)
    zero, convolution, other = (table > 0).transpose(2, 0, 1)
    identity = space.allowed & ~(zero | convolution | other)
    return OpRoles(zero, identity, convolution & ~(zero | other))


def counted_ops(space: SearchSpace) -> list[int]:
    """Return the ids of the ops that do not merely write zeros wherever they are allowed."""
    is_zero = op_roles(space).zero | ~space.allowed
    return [int(op) for op in np.flatnonzero(~is_zero.all(axis=0))]


def graph_edges(space: SearchSpace) -> tuple[tuple[int, int], ...]:
    """Return source and target node of each position, in a space that has ``edges``."""
    assert space.edges is not None, f"{space.name} is no graph"
    return space.edges


def backward_live(space: SearchSpace, ops: npt.NDArray[Any]) -> Bools:
    """Tell which ops' results can reach the output without passing a zero.

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.

    Returns
    -------
    numpy.ndarray of bool, shape (n_archs, n_positions)
        True where the op is no zero and its target node reaches the output.
    """
    present = is_present(space, ops)
    reaches = nodes_to_output(space, present)
    return present & reaches[:, [target for _, target in graph_edges(space)]]


def forward_live(space: SearchSpace, ops: npt.NDArray[Any]) -> Bools:
    """Tell which ops are fed by something other than zeros.

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.

    Returns
    -------
    numpy.ndarray of bool, shape (n_archs, n_positions)
        True where the op is no zero and the input reaches its source node.
    """
    present = is_present(space, ops)
    reached = nodes_from_input(space, present)
    return present & reached[:, [source for source, _ in graph_edges(space)]]


def connected(space: SearchSpace, ops: npt.NDArray[Any]) -> Bools:
    """Tell which architectures have a path from input to output; shape ``(n_archs,)``."""
    return nodes_from_input(space, is_present(space, ops))[:, -1]


def is_present(space: SearchSpace, ops: npt.NDArray[Any]) -> Bools:
    """Tell which ops are no zeros; shape ``(n_archs, n_positions)``."""
    return ~op_roles(space).zero[np.arange(space.n_positions), ops]


def nodes_from_input(space: SearchSpace, present: Bools) -> Bools:
    """Return which nodes the input reaches along the edges `present`; ``(n_archs, n_nodes)``."""
    edges = graph_edges(space)
    nodes = np.zeros((len(present), 1 + edges[-1][1]), dtype=bool)
    nodes[:, 0] = True
    for edge, (source, target) in enumerate(edges):  # sorted by target: sources are complete
        nodes[:, target] |= nodes[:, source] & present[:, edge]
    return nodes


def nodes_to_output(space: SearchSpace, present: Bools) -> Bools:
    """Return which nodes reach the output along the edges `present`; ``(n_archs, n_nodes)``."""
    edges = graph_edges(space)
    nodes = np.zeros((len(present), 1 + edges[-1][1]), dtype=bool)
    nodes[:, -1] = True
    for edge, (source, target) in reversed(list(enumerate(edges))):
        nodes[:, source] |= nodes[:, target] & present[:, edge]
    return nodes


def _kinds(layer: Layer) -> Floats:
    """Count layers that write zeros, convolutions, and others that are no sum of tensors."""
    is_other = layer.kind not in ("zero", "conv", "add")
    return np.array([layer.kind == "zero", layer.kind == "conv", is_other], dtype=np.float64)
