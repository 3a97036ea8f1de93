"""The work of each op: one formula an op, from shapes and attributes.

A MAC is one multiply-accumulate. FLOPs are two a MAC, as ``torch.utils.flop_counter`` counts them:
additions of biases, normalisations, activations and poolings have none. What those cost is in the
bytes that they move. A reshape moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from archcost.networks.graph import ELEMENT_BYTES, Graph, Node

UNMOVED = frozenset({"input", "constant", "reshape"})
"""Ops that read and write nothing: what they give is there already."""

FLOPS_PER_MAC = 2


@dataclass(frozen=True, slots=True)
class Work:
    """What an op, or several, ask of a device.

    Parameters
    ----------
    macs : int
        Multiply-accumulate operations.
    params : int
        Trainable parameters.
    input_bytes, output_bytes : int
        Of the activations read and written.
    weight_bytes : int
        Of the parameters.
    """

    macs: int = 0
    params: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    weight_bytes: int = 0

    @property
    def flops(self) -> int:
        """Floating-point operations, two a MAC."""
        return FLOPS_PER_MAC * self.macs

    def __add__(self, other: Work) -> Work:
        return Work(
            self.macs + other.macs,
            self.params + other.params,
            self.input_bytes + other.input_bytes,
            self.output_bytes + other.output_bytes,
            self.weight_bytes + other.weight_bytes,
        )


def node_work(node: Node, inputs: Sequence[Node]) -> Work:
    """Return the work of one op.

    Parameters
    ----------
    node : Node
        The op.
    inputs : sequence of Node
        What it reads.

    Returns
    -------
    Work
        Multiply-accumulates, parameters, and bytes read and written.

    Examples
    --------
    >>> from archcost.networks import GraphBuilder
    >>> builder = GraphBuilder()
    >>> x = builder.input((8, 32, 32))
    >>> y = builder.conv(x, 16, 3, name="conv")
    >>> image, conv = builder.nodes_at([x, y])
    >>> node_work(conv, [image]).macs == 16 * 32 * 32 * 8 * 3 * 3
    True
    """
    formula, n_params = MACS.get(node.op), node_params(node, inputs)
    macs = formula(node, inputs) if formula else 0
    weight_bytes = n_params * ELEMENT_BYTES[node.precision]
    if node.op in UNMOVED:
        return Work(0, n_params, 0, 0, weight_bytes)
    if node.op in READS_A_PART:
        read = node.n_bytes
    else:
        read = sum([source.n_bytes for source in inputs if source.op != "constant"])
    return Work(macs, n_params, read, node.n_bytes, weight_bytes)


def graph_work(graph: Graph) -> Work:
    """Return the work of a whole network; weights that nodes share count once."""
    total, counted = Work(), set()
    for node in graph.nodes:
        work = node_work(node, [graph.nodes[place] for place in node.inputs])
        if node.name in counted:
            work = Work(work.macs, 0, work.input_bytes, work.output_bytes, 0)
        elif node.name:
            counted.add(node.name)
        total += work
    return total


def node_params(node: Node, inputs: Sequence[Node]) -> int:
    """Return the trainable parameters of one op.

    Parameters
    ----------
    node : Node
        The op.
    inputs : sequence of Node
        What it reads.
    """
    known: int | None = node.attributes.get("params")
    if known is not None:
        return known
    formula = PARAMS.get(node.op)
    return formula(node, inputs) if formula else 0


def _conv_macs(node: Node, inputs: Sequence[Node]) -> int:
    attributes = node.attributes
    taps = prod(attributes["kernel"]) * (inputs[0].shape[1] // attributes["groups"])
    return taps * prod(node.shape)


def _conv_transpose_macs(node: Node, inputs: Sequence[Node]) -> int:
    attributes = node.attributes
    taps = prod(attributes["kernel"]) * (node.shape[1] // attributes["groups"])
    return taps * prod(inputs[0].shape)


def _attention_macs(node: Node, inputs: Sequence[Node]) -> int:
    """Products of queries with keys, and of their weights with the values."""
    queries, keys = inputs[0].shape, inputs[1].shape
    return prod(queries[:-1]) * keys[-2] * (queries[-1] + node.shape[-1])


def _conv_params(node: Node, inputs: Sequence[Node]) -> int:
    attributes, c_out = node.attributes, node.shape[1]
    weights = prod(attributes["kernel"]) * inputs[0].shape[1] * c_out // attributes["groups"]
    return weights + c_out * attributes["bias"]


def _affine_params(node: Node, inputs: Sequence[Node]) -> int:
    if not node.attributes["affine"]:
        return 0
    axes = node.attributes.get("axes")
    return 2 * (node.shape[1] if axes is None else prod(node.shape[-axes:]))


MACS: dict[str, Callable[[Node, Sequence[Node]], int]] = {
    "conv": _conv_macs,
    "conv_transpose": _conv_transpose_macs,
    "linear": lambda node, inputs: prod(node.shape) * inputs[0].shape[-1],
    "matmul": lambda node, inputs: prod(node.shape) * inputs[0].shape[-1],
    "attention": _attention_macs,
    "other": lambda node, inputs: node.attributes.get("macs", 0),
}
"""Multiply-accumulates of the ops that have some."""

PARAMS: dict[str, Callable[[Node, Sequence[Node]], int]] = {
    "conv": _conv_params,
    "conv_transpose": _conv_params,
    "linear": lambda node, inputs: node.shape[-1] * (inputs[0].shape[-1] + node.attributes["bias"]),
    "batch_norm": lambda node, inputs: 2 * node.shape[1],
    "layer_norm": _affine_params,
    "group_norm": _affine_params,
    "constant": lambda node, inputs: prod(node.shape) if node.attributes["trainable"] else 0,
}
"""Trainable parameters of the ops that have some, unless the attribute ``params`` tells."""

READS_A_PART = frozenset({"split", "gather"})
"""Ops that read as much as they write, however large what they take it from."""
