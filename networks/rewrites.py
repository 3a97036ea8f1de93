"""What compilers do to a network before it runs, as functions from graph to graph.

``deployed`` composes those that every deployment does; what one runtime does beyond is composed by
whoever writes for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from archcost.networks.graph import Graph, Node

FOLDING = frozenset({"conv", "conv_transpose", "linear"})
"""Ops whose weights can take up the batch normalisation that follows."""

FUSING = FOLDING | {"add", "multiply", "batch_norm", "avg_pool", "max_pool"}
"""Ops along with which an activation can be computed."""

POOLING = frozenset({"avg_pool", "max_pool", "global_pool"})


def deployed(graph: Graph) -> Graph:
    """Return what an exporter makes of a trained network.

    Batch normalisation is folded into the convolution before it, zeros add nothing to a sum, and
    what the results do not need is not there. Ops fed by zeros only are left, for the runtime to
    execute or to fold.
    """
    return drop_dead(fold_zeros(fold_batch_norm(graph)))


def drop_dead(graph: Graph) -> Graph:
    """Return the graph without the nodes that the results do not need; inputs stay."""
    needed = set(graph.outputs)
    for place in reversed(range(len(graph.nodes))):
        if place in needed:
            needed.update(graph.nodes[place].inputs)
        elif graph.nodes[place].op == "input":
            needed.add(place)
    kept = {place: number for number, place in enumerate(sorted(needed))}
    nodes = tuple(_reading(graph.nodes[place], kept) for place in kept)
    return Graph(nodes, tuple(kept[place] for place in graph.outputs))


def fold_zeros(graph: Graph) -> Graph:
    """Return the graph without sums of zeros: what is added to them stands for the sum.

    A pooling of zeros, a product with them and a sum of nothing else are zeros too. Convolutions
    and activations of zeros stay.
    """
    nodes: list[Node | None] = list(graph.nodes)
    stands_for: dict[int, int] = {}
    zeros: set[int] = set()
    for place, node in enumerate(graph.nodes):
        is_zero = [source in zeros for source in node.inputs]
        gives_zeros = (
            node.op == "zero"
            or (node.op == "multiply" and any(is_zero))
            or (node.op in POOLING | {"add"} and all(is_zero))
        )
        if gives_zeros and "activation" not in node.attributes:
            zeros.add(place)
            nodes[place] = replace(node, op="zero", inputs=(), attributes={})
        elif node.op == "add" and any(is_zero):
            other = node.inputs[is_zero.index(False)]
            if graph.nodes[other].shape == node.shape and "activation" not in node.attributes:
                nodes[place], stands_for[place] = None, other
    return _rebuilt(graph, nodes, stands_for)


def fold_batch_norm(graph: Graph) -> Graph:
    """Return the graph with batch normalisations folded into the weights that they follow.

    The convolution or linear layer gets the attributes ``norm``, the name of the normalisation
    whose weights are multiplied in, and ``norm_epsilon``. A normalisation stays where something
    else needs what it normalises.
    """
    nodes, users = list[Node | None](graph.nodes), graph.users()
    stands_for: dict[int, int] = {}
    for place, node in enumerate(graph.nodes):
        if node.op != "batch_norm":
            continue
        source = node.inputs[0]
        before = nodes[source]
        if (
            before is not None
            and before.op in FOLDING
            and len(before.shape) in (2, len(node.shape))
            and _serves_only(graph, users, source, place)
            and not {"norm", "activation"} & set(before.attributes)
        ):
            folded = {"norm": node.name, "norm_epsilon": node.attributes["epsilon"]}
            nodes[source] = replace(before, attributes={**before.attributes, **folded})
            nodes[place], stands_for[place] = None, source
    return _rebuilt(graph, nodes, stands_for)


def fuse_activations(graph: Graph, kinds: Sequence[str] = ("relu", "relu6")) -> Graph:
    """Return the graph with activations computed by the op before, where nothing else needs it.

    Parameters
    ----------
    graph : Graph
        The network.
    kinds : sequence of str, default=("relu", "relu6")
        The activations that the runtime can compute along with an op of ``FUSING``.

    Returns
    -------
    Graph
        Ops with an activation have it as the attribute ``activation``.
    """
    nodes, users = list[Node | None](graph.nodes), graph.users()
    stands_for: dict[int, int] = {}
    for place, node in enumerate(graph.nodes):
        if node.op != "activation" or node.attributes["kind"] not in kinds:
            continue
        source = node.inputs[0]
        before = nodes[source]
        if (
            before is not None
            and before.op in FUSING
            and _serves_only(graph, users, source, place)
            and "activation" not in before.attributes
        ):
            kind = node.attributes["kind"]
            nodes[source] = replace(before, attributes={**before.attributes, "activation": kind})
            nodes[place], stands_for[place] = None, source
    return _rebuilt(graph, nodes, stands_for)


def merge_equal(graph: Graph) -> Graph:
    """Return the graph with one node for all that apply the same op to the same inputs.

    Nodes with weights are equal if they share them.
    """
    nodes = list[Node | None](graph.nodes)
    stands_for: dict[int, int] = {}
    first: dict[object, int] = {}
    for place, node in enumerate(graph.nodes):
        if node.op == "input":
            continue
        inputs = tuple(stands_for.get(source, source) for source in node.inputs)
        attributes = tuple(sorted(node.attributes.items(), key=lambda item: item[0]))
        key = node.op, inputs, node.shape, attributes, node.name, node.precision
        found = first.setdefault(key, place)
        if found != place:
            nodes[place], stands_for[place] = None, found
    return _rebuilt(graph, nodes, stands_for)


def _serves_only(graph: Graph, users: list[list[int]], place: int, user: int) -> bool:
    return users[place] == [user] and place not in graph.outputs


def _rebuilt(graph: Graph, nodes: Sequence[Node | None], stands_for: Mapping[int, int]) -> Graph:
    """Return the graph of the nodes that are left; an earlier one stands for each that is not."""
    places: dict[int, int] = {}
    kept: list[Node] = []
    for place, node in enumerate(nodes):
        if node is None:
            places[place] = places[stands_for[place]]
        else:
            places[place] = len(kept)
            kept.append(_reading(node, places))
    return Graph(tuple(kept), tuple(places[place] for place in graph.outputs))


def _reading(node: Node, places: Mapping[int, int]) -> Node:
    inputs = tuple([places[source] for source in node.inputs])
    return node if inputs == node.inputs else replace(node, inputs=inputs)
