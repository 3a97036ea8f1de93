"""A network as a graph of ops with shapes, from which everything else about it follows.

Shapes have the batch first; images are ``(batch, channels, height, width)``, sequences
``(batch, tokens, features)``. The vocabulary, with the attributes of each op:

===================  ===============================================================================
input
constant             ``trainable``; ``fill``, the value of all its elements, or None; ``params``,
                     where some of its elements share a parameter
conv                 ``kernel``, ``stride``, ``dilation`` (one an axis), ``padding`` (before and
                     after, an axis), ``groups``, ``bias``
conv_transpose       the same, and ``output_padding``
linear               ``bias``; on the last axis
matmul
attention            scaled dot product of queries, keys and values, and of a mask if there is one
batch_norm           ``epsilon``
layer_norm           ``epsilon``, ``axes`` (how many, from the last), ``affine``
group_norm           ``epsilon``, ``groups``, ``affine``
activation           ``kind``: one of ``ACTIVATIONS``
max_pool, avg_pool   ``kernel``, ``stride``, ``padding``; what is padded does not count
global_pool          the mean over height and width, which become 1
add, multiply        of two tensors, broadcast
concat               ``axis``
split                one of the parts: ``axis``, ``start``, and ``step`` unless it is 1; its shape
                     tells the end
reshape
transpose            ``axes``
channel_shuffle      ``groups``
softmax              ``axis``
gather               rows of the first input at the indices in the second: ``axis``
pad                  ``padding`` (before and after, of as many last axes)
resize               ``mode``: ``"nearest"`` or ``"bilinear"``, or what else readers find
binary               of two tensors, broadcast: ``kind``, such as ``"sub"`` or ``"div"``
unary                of each element: ``kind``, such as ``"exp"``, ``"clip"`` or ``"cast"``
reduce               ``kind``, such as ``"mean"`` or ``"l2"``, over ``axes``
zero                 zeros, whatever the network's input
other                ``kind``, its own name; ``macs`` where they are known
===================  ===============================================================================

Any op has ``params`` if its trainable parameters are not what its shapes say: weights that are
computed from others, or that another op has, too.

Rewrites (``archcost.networks.rewrites``) add ``norm`` and ``norm_epsilon`` (a batch normalisation
that is folded into the weights: its name) and ``activation`` (one that is computed along).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import prod
from typing import Any

from archcost.errors import IntegrityError

OPS = frozenset({
    "input", "constant", "conv", "conv_transpose", "linear", "matmul", "attention", "batch_norm",
    "layer_norm", "group_norm", "activation", "max_pool", "avg_pool", "global_pool", "add",
    "multiply", "concat", "split", "reshape", "transpose", "channel_shuffle", "softmax", "gather",
    "pad", "resize", "binary", "unary", "reduce", "zero", "other",
})  # fmt: skip
"""The vocabulary."""

ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "prelu", "hswish", "hsigmoid", "sigmoid", "silu", "gelu", "tanh",
    "elu", "mish", "softplus", "selu",
)  # fmt: skip

ELEMENT_BYTES = {
    "fp64": 8, "fp32": 4, "fp16": 2, "bf16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
    "uint8": 1, "bool": 1,
}  # fmt: skip
"""Bytes of a number in each precision."""

Shape = tuple[int, ...]

MOST_ELEMENTS = 1 << 48
"""Numbers in a tensor at most: far beyond any network, and counts of work stay exact integers."""


def is_shape(sizes: Iterable[object]) -> bool:
    """Return whether these are sizes of a tensor that may exist: none negative, nor too many.

    Examples
    --------
    >>> is_shape((1, 3, 224, 224)), is_shape((1, 8, -3, -3)), is_shape((2**40, 2**40))
    (True, False, False)
    """
    count = 1
    for size in sizes:
        if type(size) is not int or size < 0:
            return False
        count *= max(size, 1)
    return count <= MOST_ELEMENTS


@dataclass(frozen=True, slots=True)
class Node:
    """One op of a network.

    Parameters
    ----------
    op : str
        One of ``OPS``.
    inputs : tuple of int
        Places of the nodes that it reads, all before its own.
    shape : tuple of int
        Of its only output, batch first.
    attributes : mapping, default={}
        By name; numbers, text, or tuples of them. Not to be written to.
    name : str, default=""
        Prefix of its weights in a state dict; nodes of one name share them. Empty without weights.
    precision : str, default="fp32"
        Of output and weights: a key of ``ELEMENT_BYTES``.
    position : int or None, default=None
        The position of the architecture that it implements; None for what is always there.
    stage : int, default=0
        The stage of the macro architecture.
    part : str, default=""
        What it is a part of, such as ``"nor_conv_3x3"`` or ``"stem"``.
    """

    op: str
    inputs: tuple[int, ...]
    shape: Shape
    attributes: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    precision: str = "fp32"
    position: int | None = None
    stage: int = 0
    part: str = ""

    @property
    def n_elements(self) -> int:
        """Numbers in the output."""
        return prod(self.shape)

    @property
    def n_bytes(self) -> int:
        """Bytes of the output."""
        return prod(self.shape) * ELEMENT_BYTES[self.precision]


FIELDS = tuple(f.name for f in fields(Node))


@dataclass(frozen=True, slots=True)
class Graph:
    """A network: its nodes in order of execution, and which of them are its results.

    Parameters
    ----------
    nodes : tuple of Node
        Every input of a node comes before it.
    outputs : tuple of int
        Places of the nodes whose values are the results.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes that the network is given, in the order of its arguments."""
        return tuple(node for node in self.nodes if node.op == "input")

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """Shapes of the network's inputs, batch first."""
        return tuple(node.shape for node in self.inputs)

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """Shapes of the network's results, batch first."""
        return tuple(self.nodes[place].shape for place in self.outputs)

    @property
    def digest(self) -> str:
        """A hash of what the network computes, whatever its parts are called.

        Nodes that share weights are told from nodes that do not.
        """
        first: dict[str, int] = {}
        content = [
            [
                node.op, node.inputs, node.shape, sorted(node.attributes.items()), node.precision,
                first.setdefault(node.name, place) if node.name else None,
            ]
            for place, node in enumerate(self.nodes)
        ]  # fmt: skip
        text = json.dumps([content, self.outputs], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def users(self) -> list[list[int]]:
        """Return the places of the nodes that read each node."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for place, node in enumerate(self.nodes):
            for source in node.inputs:
                found[source].append(place)
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Return a row a node, as a table or a Parquet file holds them; see ``from_rows``."""
        return [
            {
                "node": place,
                **{name: getattr(node, name) for name in FIELDS},
                "inputs": list(node.inputs),
                "shape": list(node.shape),
                "attributes": json.dumps(node.attributes),
                "output": self.outputs.index(place) if place in self.outputs else None,
            }
            for place, node in enumerate(self.nodes)
        ]

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Graph:
        """Return the graph of the rows that ``rows`` gave, in any order."""
        ordered = sorted(rows, key=lambda row: int(row["node"]))
        nodes = tuple(
            Node(**{
                **{name: row[name] for name in FIELDS},
                "inputs": tuple(map(int, row["inputs"])),
                "shape": tuple(map(int, row["shape"])),
                "attributes": _tuples(json.loads(row["attributes"])),
                "position": None if _missing(row["position"]) else int(row["position"]),
            })
            for row in ordered
        )  # fmt: skip
        results = [row for row in ordered if not _missing(row["output"])]
        results.sort(key=lambda row: int(row["output"]))
        return cls(nodes, tuple(int(row["node"]) for row in results))

    def to_json(self) -> str:
        """Return the graph as text; see ``from_json``."""
        nodes = [[getattr(node, name) for name in FIELDS] for node in self.nodes]
        return json.dumps(
            {"fields": FIELDS, "nodes": nodes, "outputs": self.outputs}, separators=(",", ":")
        )

    @classmethod
    def from_json(cls, text: str) -> Graph:
        """Return the graph that ``to_json`` wrote.

        Raises
        ------
        IntegrityError
            If the text is no such graph.
        """
        try:
            content = json.loads(text)
            names: Sequence[str] = content["fields"]
            nodes = tuple(
                Node(**dict(zip(names, map(_tuples, row), strict=True))) for row in content["nodes"]
            )
            graph = cls(nodes, tuple(content["outputs"]))
            for place, node in enumerate(nodes):
                _check_node(node, place)
            if not graph.outputs or any(type(i) is not int for i in graph.outputs):
                raise ValueError("there are no outputs")
            if not 0 <= min(graph.outputs) <= max(graph.outputs) < len(nodes):
                raise ValueError("an output is no node")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise IntegrityError(
                "a graph must be text that Graph.to_json wrote, but it cannot be read as one "
                f"({type(error).__name__}: {str(error)[:200]}); get its file again"
            ) from None
        return graph

    def __hash__(self) -> int:
        return hash((len(self.nodes), self.outputs, self.nodes[-1].shape))

    def __repr__(self) -> str:
        shapes = ["x".join(map(str, shape)) for shape in (*self.input_shapes, *self.output_shapes)]
        n_inputs = len(self.inputs)
        return (
            f"<Graph of {len(self.nodes)} nodes: {', '.join(shapes[:n_inputs])} -> "
            f"{', '.join(shapes[n_inputs:])}>"
        )


def _tuples(value: Any) -> Any:
    """Return a value from JSON with tuples for lists, as nodes hold them."""
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return value


DEEPEST = 3
"""Levels of tuples in an attribute."""


def _check_node(node: Node, place: int) -> None:
    """Check the content of a node from outside.

    Raises
    ------
    ValueError, TypeError
        If it is no op, reads what does not come before it, or holds something else than numbers.
    """
    if node.op not in OPS or node.precision not in ELEMENT_BYTES:
        raise ValueError(f"node {place} is {node.op!r} in {node.precision!r}")
    sizes, sources = node.shape, node.inputs
    if type(sizes) is not tuple or not is_shape(sizes):
        raise ValueError(f"the shape of node {place} is {sizes!r}")
    if type(sources) is not tuple or any(
        type(source) is not int or not 0 <= source < place for source in sources
    ):
        raise ValueError(f"node {place} reads {sources!r}")
    texts = (node.name, node.part)
    counts = (node.stage, 0 if node.position is None else node.position)
    if any(type(text) is not str for text in texts) or any(type(n) is not int for n in counts):
        raise ValueError(f"node {place} has the name {node.name!r}")
    if type(node.attributes) is not dict:
        raise ValueError(f"the attributes of node {place} are {node.attributes!r}")
    for value in node.attributes.values():
        _check_attribute(value, DEEPEST)


def _check_attribute(value: Any, depth: int) -> None:
    if type(value) is tuple and depth:
        for item in value:
            _check_attribute(item, depth - 1)
    elif value is not None and type(value) not in (bool, int, float, str):
        raise ValueError(f"an attribute is {value!r}")


def _missing(value: Any) -> bool:
    return value is None or value != value  # NaN, as pandas has it
