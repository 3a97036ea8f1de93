"""Which kinds of work a network spends its time on, by a rough account of a processor."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from archcost.networks.graph import Graph, Node
from archcost.networks.rewrites import deployed
from archcost.networks.work import node_work

MACS_PER_MS = {
    "dense": 4e7, "pointwise": 4e7, "grouped": 1.5e7, "depthwise": 5e6, "linear": 3e7,
    "attention": 3e7,
}  # fmt: skip
"""Rough rates of the kinds of work that multiply."""

MOVING = {
    "layer_norm": "normalisation", "group_norm": "normalisation", "batch_norm": "normalisation",
    "activation": "activation", "softmax": "activation", "add": "elementwise",
    "multiply": "elementwise", "max_pool": "pooling", "avg_pool": "pooling",
    "global_pool": "pooling", "concat": "movement", "split": "movement", "transpose": "movement",
    "channel_shuffle": "movement", "pad": "movement", "gather": "movement", "resize": "movement",
    "other": "movement", "zero": "movement",
}  # fmt: skip
"""Kinds of the ops whose work is what they read and write."""

BYTES_PER_MS, CALLS_PER_MS = 8e6, 500
"""Rough rates of moving bytes and of starting ops."""

KINDS = (*MACS_PER_MS, *dict.fromkeys(MOVING.values()), "weights", "calls")
"""Kinds of work; ``weights`` is the reading of parameters, ``calls`` the starting of ops."""


def work_times(graph: Graph) -> npt.NDArray[np.float64]:
    """Return roughly how long a network spends on each kind of work, in ms.

    Parameters
    ----------
    graph : Graph
        The network; batch normalisation is folded first.

    Returns
    -------
    numpy.ndarray of float64, shape (n_kinds,)
        In the order of ``KINDS``. In proportion to each other rather than exact.
    """
    times = dict.fromkeys(KINDS, 0.0)
    graph = deployed(graph)
    for node in graph.nodes:
        inputs = [graph.nodes[place] for place in node.inputs]
        kind = _kind(node, inputs)
        if kind is None:
            continue
        work = node_work(node, inputs)
        moved_ms = (work.input_bytes + work.output_bytes) / BYTES_PER_MS
        times[kind] += moved_ms
        if kind in MACS_PER_MS:  # products hide what they move
            times[kind] += max(0.0, work.macs / MACS_PER_MS[kind] - moved_ms)
        times["weights"] += work.weight_bytes / BYTES_PER_MS
        times["calls"] += 1 / CALLS_PER_MS
    return np.array([times[kind] for kind in KINDS])


def _kind(node: Node, inputs: list[Node]) -> str | None:
    if node.op in ("conv", "conv_transpose"):
        groups = node.attributes["groups"]
        if groups > 1:
            return "depthwise" if groups == inputs[0].shape[1] else "grouped"
        return "pointwise" if set(node.attributes["kernel"]) == {1} else "dense"
    if node.op in ("attention", "matmul"):
        return "attention"
    return "linear" if node.op == "linear" else MOVING.get(node.op)
