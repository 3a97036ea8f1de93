r"""The longest path through a graph, if its branches run at the same time.

.. math:: c_w(a) = \max_{\pi: \text{input} \to \text{output}} \sum_{e \in \pi} w_{o_e}

A runtime with inter-op parallelism or several streams is done when its slowest path is. How long
an op takes is unknown, so there is one column for each of several weightings :math:`w`; a linear
combination of them comes close to the longest path under any other.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

from archcost.features.merged_ops import working_ops
from archcost.spaces.liveness import backward_live, forward_live, graph_edges
from archcost.spaces.space import Ops, SearchSpace

Floats = npt.NDArray[np.float64]

LEVELS = (0.2, 0.5, 1.0)
"""Times of ops relative to the slowest, all combinations of which are tried for few ops."""

MOST_LEVELLED = 3
"""Ops up to which all combinations of ``LEVELS`` are columns; beyond, ops are quick or slow one
by one."""


def critical_features(space: SearchSpace, ops: Ops) -> Floats:
    """Return the longest live path under each weighting of the ops.

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    ops : array of int, shape (n_archs, n_positions)
        Valid op ids.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_weightings)
        0 where no path leads from input to output.
    """
    ops = np.asarray(ops)
    live = backward_live(space, ops) & forward_live(space, ops)
    return np.stack([longest_path(space, live, w[ops]) for w in weightings(space)], axis=1)


@cache
def weightings(space: SearchSpace) -> tuple[Floats, ...]:
    """Return the time of each op, shape ``(n_ops,)``, under each weighting; identities take 0."""
    working = working_ops(space)
    n = len(working)
    if n <= MOST_LEVELLED:
        times = [t for t in product(LEVELS, repeat=n) if max(t) == LEVELS[-1]]
    else:
        quick, slow = LEVELS[0], LEVELS[-1]
        times = [(slow,) * n]
        for op in range(n):
            times.append(tuple(slow if other == op else quick for other in range(n)))
            times.append(tuple(quick if other == op else slow for other in range(n)))
    found = []
    for time in times:
        weights = np.zeros(space.n_ops)
        weights[working] = time
        found.append(weights)
    return tuple(found)


def weighting_name(space: SearchSpace, weights: Floats) -> str:
    """Return ``critical`` and the weight of each working op, such as ``critical,conv=0.2``."""
    times = [f"{space.op_names[op]}={weights[op]:g}" for op in working_ops(space)]
    return ",".join(["critical", *sorted(times)])


def longest_path(space: SearchSpace, live: npt.NDArray[np.bool_], lengths: Floats) -> Floats:
    """Return the length of the longest live path, 0 where there is none; shape ``(n_archs,)``.

    Parameters
    ----------
    space : SearchSpace
        A space that has ``edges``.
    live : array of bool, shape (n_archs, n_positions)
        Edges that are there.
    lengths : array of float, shape (n_archs, n_positions)
        Their lengths.
    """
    edges = graph_edges(space)
    depth = np.full((len(live), 1 + edges[-1][1]), -np.inf)
    depth[:, 0] = 0
    for edge, (source, target) in enumerate(edges):
        path = np.where(live[:, edge], depth[:, source] + lengths[:, edge], -np.inf)
        depth[:, target] = np.maximum(depth[:, target], path)
    longest: Floats = np.maximum(depth[:, -1], 0)
    return longest
