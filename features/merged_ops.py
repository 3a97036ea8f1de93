r"""Which ops of a graph are the same computation, so that a compiler executes them once.

Two poolings of the same tensor are one, and so are the activations of two convolutions that read
the same tensor: graph optimisers merge them (common-subexpression elimination,
``archcost.networks.rewrites.merge_equal``). What then counts is to how many *distinct* tensors an
op is applied. This is found for all architectures at once by numbering values: equal numbers,
equal tensors.

.. math:: v(e) = \text{hash}(o_e, v(s_e)), \quad v(n) = \text{hash}(\textstyle\sum_{e \to n} v(e))

An identity passes its number on, zeros add nothing, and an op with weights gets a number of its
own wherever it stands, as its weights are its own.

References
----------
J. Cocke, "Global common subexpression elimination", SIGPLAN Notices 5(7), 1970.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.networks.layers import Layer
from archcost.spaces.liveness import (
    backward_live,
    counted_ops,
    forward_live,
    graph_edges,
    is_present,
    op_roles,
)
from archcost.spaces.position_work import position_work
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.uint64]

INPUT, ZEROS = np.uint64(0x9E3779B97F4A7C15), np.uint64(1)
"""Numbers of the graph's input and of a node that nothing but zeros enters."""


def distinct_features(space: SearchSpace, ops: Ops) -> Floats:
    """Count by op the distinct tensors that it is applied to.

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_working + 1)
        One column for each op that computes something (``working_ops``); the distinct tensors
        that any op with weights reads.
    """
    return _counts(space, ops, is_present(space, ops))


def live_distinct_features(space: SearchSpace, ops: Ops) -> Floats:
    """Count as ``distinct_features`` does, only what lies on a path from input to output."""
    return _counts(space, ops, backward_live(space, ops) & forward_live(space, ops))


def working_ops(space: SearchSpace) -> list[int]:
    """Return the ids of the ops that compute something: neither zeros nor identities."""
    is_identity = op_roles(space).identity | ~space.allowed
    return [op for op in counted_ops(space) if not is_identity[:, op].all()]


def executed_once(space: SearchSpace, ops: Ops) -> Bools:
    """Tell which live ops are the first to do what they do; shape ``(n_archs, n_positions)``.

    An op with weights is first if no other op with weights reads its tensor before it.
    """
    live = backward_live(space, ops) & forward_live(space, ops)
    weighted = _is_weighted(space, ops)
    kind = np.where(weighted, -1, ops)
    return _first(_equal_sources(space, ops) & (kind[:, :, None] == kind[:, None]), live)


def source_numbers(space: SearchSpace, ops: npt.NDArray[Any]) -> Numbers:
    """Return the number of the tensor that each op reads; shape ``(n_archs, n_positions)``."""
    edges = graph_edges(space)
    places = np.arange(len(edges))
    zero, identity, _ = (role[places, ops] for role in op_roles(space))
    weighted = _is_weighted(space, ops)
    shape = len(ops), 1 + edges[-1][1]
    sums, single = np.zeros(shape, dtype=np.uint64), np.zeros(shape, dtype=np.uint64)
    entering = np.zeros(shape, dtype=np.int64)
    numbers = np.empty(ops.shape, dtype=np.uint64)
    for edge, (source, target) in enumerate(edges):  # sorted by target: sources are complete
        read = np.full(len(ops), INPUT)
        if source:
            read = np.where(entering[:, source] == 1, single[:, source], _mixed(sums[:, source]))
            read = np.where(entering[:, source] == 0, ZEROS, read)
        op = ops[:, edge].astype(np.uint64) + np.uint64(2)
        own = np.where(weighted[:, edge], np.uint64((edge + 1) << 32), np.uint64(0))
        value = np.where(identity[:, edge], read, _mixed(_mixed(read) + op + own))
        adds = ~zero[:, edge] & ((read != ZEROS) | weighted[:, edge])
        sums[:, target] += np.where(adds, _mixed(value), np.uint64(0))
        single[:, target] = np.where(adds, value, single[:, target])
        entering[:, target] += adds
        numbers[:, edge] = read
    return numbers


def _counts(space: SearchSpace, ops: Ops, mask: Bools) -> Floats:
    ops = np.asarray(ops)
    equal = _equal_sources(space, ops)
    columns = [_first(equal, mask & (ops == op)).sum(axis=1) for op in working_ops(space)]
    columns.append(_first(equal, mask & _is_weighted(space, ops)).sum(axis=1))
    return np.stack(columns, axis=1).astype(np.float64)


def _equal_sources(space: SearchSpace, ops: npt.NDArray[Any]) -> Bools:
    """Tell which pairs of positions read the same tensor; (n_archs, n_positions, n_positions)."""
    numbers = source_numbers(space, ops)
    equal: Bools = numbers[:, :, None] == numbers[:, None]
    return equal


def _first(equal: Bools, mask: Bools) -> Bools:
    """Tell which positions of `mask` have no equal one in it before them."""
    before = np.tri(mask.shape[1], k=-1, dtype=bool)
    first: Bools = mask & ~(equal & before & mask[:, None]).any(axis=2)
    return first


def _is_weighted(space: SearchSpace, ops: npt.NDArray[Any]) -> Bools:
    """Tell which ops have weights; shape ``(n_archs, n_positions)``."""
    weighted: Bools = _weighted(space)[np.arange(space.n_positions), ops]
    return weighted


@cache
def _weighted(space: SearchSpace) -> Bools:
    table = position_work(space, space.default_dataset, _params).table
    weighted: Bools = table.sum(axis=(2, 3)) > 0
    return weighted


def _params(layer: Layer) -> Floats:
    return np.array([layer.params], dtype=np.float64)


def _mixed(values: Numbers) -> Numbers:
    """Return hashes of 64 bits (the finaliser of splitmix64)."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: Numbers = mixed ^ (mixed >> np.uint64(31))
    return result
