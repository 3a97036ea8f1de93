"""The kernels that a runtime executes: which ops of a graph run as one.

A runtime that fuses computes what follows a convolution or a matrix product along with it: a
normalisation with fixed statistics, activations, sums and products. Chains of element-wise ops
are one kernel. An eager runtime runs each op by itself. A reshape is never executed.
"""

from __future__ import annotations

from dataclasses import dataclass

from archcost.errors import check_name
from archcost.networks.graph import Graph, Node
from archcost.networks.rewrites import drop_dead, fold_zeros

STYLES = ("fused", "eager")
"""How runtimes execute graphs."""

PRODUCTS = frozenset({"conv", "conv_transpose", "linear", "matmul"})
"""Ops along with which element-wise ops can be computed."""

POINTWISE = frozenset({"activation", "add", "multiply", "batch_norm", "unary", "binary"})
"""Ops that give each number from the numbers at the same place."""

POINTWISE_KINDS = frozenset({
    "abs", "add_scalar", "clamp", "div", "erf", "exp", "log", "mish", "mul_scalar", "neg", "pow",
    "quick_gelu", "reciprocal", "rsqrt", "rsub", "softplus", "sqrt", "square", "sub", "where",
})  # fmt: skip
"""Names of element-wise ops that the vocabulary lacks."""

NOT_EXECUTED = frozenset({"input", "constant", "reshape"})


@dataclass(frozen=True, slots=True)
class Kernel:
    """Ops that run as one.

    Parameters
    ----------
    anchor : int
        Place of the node that says what the kernel is: its product, else its first node.
    places : tuple of int
        Places of all its nodes, in order of execution.
    reads : tuple of int
        Places of the values from outside that it reads, reshapes skipped; those of constants too.
    """

    anchor: int
    places: tuple[int, ...]
    reads: tuple[int, ...]


def is_pointwise(node: Node) -> bool:
    """Tell whether an op gives each number from the numbers at the same place."""
    if node.op == "other":
        return node.attributes.get("kind") in POINTWISE_KINDS
    return node.op in POINTWISE


def executed_graph(graph: Graph) -> Graph:
    """Return the graph without sums of zeros and what only they need.

    Files hold zeros as constants, and runtimes fold those. Eager torch computes them all the same,
    which is left out.
    """
    if all(node.op != "zero" for node in graph.nodes):
        return graph
    return drop_dead(fold_zeros(graph))


def executed_kernels(graph: Graph, style: str = "fused") -> tuple[Kernel, ...]:
    """Return the kernels of a network in order of execution.

    Parameters
    ----------
    graph : Graph
        The network.
    style : {"fused", "eager"}
        Whether the runtime fuses element-wise ops with what they follow.

    Returns
    -------
    tuple of Kernel
        Every node but inputs, constants and reshapes is in exactly one of them.

    Examples
    --------
    >>> from archcost.networks import GraphBuilder
    >>> builder = GraphBuilder()
    >>> x = builder.conv(builder.input((3, 32, 32)), 8, 3, name="conv")
    >>> graph = builder.graph(builder.relu(builder.batch_norm(x, name="norm")))
    >>> [len(executed_kernels(graph, style)) for style in ("fused", "eager")]
    [1, 3]
    """
    check_name("style", style, STYLES)
    nodes = graph.nodes
    source = _sources(graph)
    readers: list[list[int]] = [[] for _ in nodes]
    for place, node in enumerate(nodes):
        if node.op != "reshape":
            for value in dict.fromkeys(source[i] for i in node.inputs):
                readers[value].append(place)
    results = {source[place] for place in graph.outputs}
    members: list[list[int]] = []
    kernel_of: dict[int, int] = {}
    for place, node in enumerate(nodes):
        if node.op in NOT_EXECUTED:
            continue
        joined = None
        if style == "fused" and is_pointwise(node):
            for value in sorted({source[i] for i in node.inputs}, reverse=True):
                if value in kernel_of and value not in results and _fuses(
                    nodes, source, readers, members[kernel_of[value]], value, place
                ):  # fmt: skip
                    joined = kernel_of[value]
                    break
        if joined is None:
            joined = len(members)
            members.append([])
        members[joined].append(place)
        kernel_of[place] = joined
    members.sort(key=lambda places: places[-1])
    return tuple(_kernel(nodes, source, places) for places in members)


def _sources(graph: Graph) -> list[int]:
    """Return what each place is a reshape of, itself if it is none."""
    source = list(range(len(graph.nodes)))
    for place, node in enumerate(graph.nodes):
        if node.op == "reshape":
            source[place] = source[node.inputs[0]]
    return source


def _fuses(
    nodes: tuple[Node, ...], source: list[int], readers: list[list[int]], places: list[int],
    value: int, place: int,
) -> bool:  # fmt: skip
    """Tell whether a pointwise node can join the kernel of a value that it reads."""
    first = nodes[places[0]]
    if first.op not in PRODUCTS and not is_pointwise(first):
        return False
    if nodes[value].n_elements != nodes[place].n_elements:
        return False
    for reader in readers[value]:
        # ``x * sigmoid(x)``: the other reader needs nothing but the value and what is to join
        if reader not in (place, *places) and (
            reader < place
            or not is_pointwise(nodes[reader])
            or {source[i] for i in nodes[reader].inputs} != {value, place}
        ):
            return False
    return True


def _kernel(nodes: tuple[Node, ...], source: list[int], places: list[int]) -> Kernel:
    inside = set(places)
    reads = dict.fromkeys(
        source[i] for place in places for i in nodes[place].inputs if source[i] not in inside
    )
    anchor = next((place for place in places if nodes[place].op in PRODUCTS), places[0])
    return Kernel(anchor, tuple(places), tuple(reads))
