"""Memory of a network's activations while it runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from archcost.networks.graph import ACTIVATIONS, Graph
from archcost.networks.rewrites import deployed, fuse_activations

VIEWS = frozenset({"reshape"})
"""Ops whose output is their input, seen otherwise: no bytes of its own."""


def live_bytes(graph: Graph) -> npt.NDArray[np.int64]:
    """Return the bytes of all tensors that are live while each node runs.

    A tensor is live from the node that writes it to the last one that reads it; the network's
    results stay live to the end. Nodes run in the order of the graph, none of them in place.
    Weights are no activations.

    Parameters
    ----------
    graph : Graph
        The network, as it is executed.

    Returns
    -------
    numpy.ndarray of int64, shape (n_nodes,)
        Bytes, those of inputs and output of the node included.

    Examples
    --------
    >>> from archcost.networks import GraphBuilder
    >>> builder = GraphBuilder()
    >>> image = builder.input((1, 3, 8, 8))
    >>> graph = builder.graph(builder.add(builder.relu(image), image))
    >>> live_bytes(graph).tolist()  # the image; it and one more; it and two more
    [768, 1536, 2304]
    """
    n_nodes = len(graph.nodes)
    owner = list(range(n_nodes))
    last = list(range(n_nodes))
    for place, node in enumerate(graph.nodes):
        if node.op in VIEWS:
            owner[place] = owner[node.inputs[0]]
        for read in (owner[source] for source in (*node.inputs, place)):
            last[read] = place
    for place in graph.outputs:
        last[owner[place]] = n_nodes - 1
    changes = np.zeros(n_nodes + 1, dtype=np.int64)
    for place, node in enumerate(graph.nodes):
        if owner[place] == place and node.op != "constant":
            changes[place] += node.n_bytes
            changes[last[place] + 1] -= node.n_bytes
    return np.cumsum(changes[:-1])


def peak_activation_bytes(graph: Graph) -> int:
    """Return the most bytes that activations take at once, fp32, as the network is deployed.

    Batch normalisations are folded and activations computed along with the op before. A runtime
    that reorders or splits ops can do with less, one that pads or copies needs more.

    Parameters
    ----------
    graph : Graph
        The network, as it is trained.

    References
    ----------
    E. Liberis, N. D. Lane, "Neural networks on microcontrollers: saving memory at inference via
    operator reordering", 2019.
    """
    return int(live_bytes(executed(graph)).max())


def executed(graph: Graph) -> Graph:
    """Return what is executed of a trained network, as ``peak_activation_bytes`` counts it."""
    return fuse_activations(deployed(graph), ACTIVATIONS)
