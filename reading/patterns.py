"""Ops that exporters write as several nodes, put together again.

Each pattern is looked for at the node that ends it. What is within must serve nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import sqrt

from archcost.networks import Graph, Node
from archcost.networks.rewrites import drop_dead
from archcost.networks.work import node_params

NEAR = 1e-3
"""Relative difference of a constant from the number that it should be."""


def with_whole_ops(graph: Graph, *, attention: bool = True) -> Graph:
    """Return the graph with one op for what exporters write as several.

    These are SiLU, hard swish, GELU, a linear layer and its bias, layer normalisation, attention
    and the shuffling of channels.

    Parameters
    ----------
    graph : Graph
        As it was read.
    attention : bool, default=True
        Whether to look for attention. In a module that writes out its products and its softmax,
        as timm's Swin does, they are executed one by one, and cost more than attention as one op.
    """
    finds = [_gated, _gelu, _bias, _layer_norm, _attention, _channel_shuffle]
    if not attention:
        finds.remove(_attention)
    for find in finds:
        graph = _replaced(graph, find)
    return graph


class _Reader:
    """A graph while patterns are looked for in it."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[Node] = list(graph.nodes)
        self.users = graph.users()
        self.outputs = graph.outputs

    def serves_only(self, place: int, n_users: int = 1) -> bool:
        """Return whether a result is read so often, and is none of the network's."""
        return len(self.users[place]) == n_users and place not in self.outputs

    def node(self, place: int, op: str, kind: str | None = None) -> Node | None:
        """Return the node if it is such an op."""
        node = self.nodes[place]
        is_it = node.op == op and kind in (None, node.attributes.get("kind"))
        return node if is_it else None

    def inner(self, place: int, op: str, kind: str | None = None) -> Node | None:
        """Return the node if it is such an op and one other alone reads it."""
        return self.node(place, op, kind) if self.serves_only(place) else None

    def number(self, place: int) -> float | None:
        """Return a constant of one element."""
        node = self.nodes[place]
        return node.attributes.get("fill") if node.op == "constant" else None

    def is_number(self, place: int, wanted: float) -> bool:
        """Return whether a place holds a constant of about this size."""
        found = self.number(place)
        return found is not None and abs(found - wanted) <= NEAR * abs(wanted)

    def with_number(
        self, place: int, op: str, wanted: float, kind: str | None = None
    ) -> int | None:
        """Return what an op reads beside a constant of about this size."""
        node = self.inner(place, op, kind)
        if node is None:
            return None
        one, other = node.inputs
        if self.is_number(other, wanted):
            return one
        return other if kind is None and self.is_number(one, wanted) else None


Find = Callable[[_Reader, int], Node | None]
"""Returns the op that stands for what ends at a node."""


def _replaced(graph: Graph, find: Find) -> Graph:
    reader, found_one = _Reader(graph), False
    for place in range(len(graph.nodes)):
        found = find(reader, place)
        if found is not None:
            reader.nodes[place] = found
            found_one = True
    if not found_one:
        return graph
    return drop_dead(Graph(tuple(reader.nodes), graph.outputs))


def _gated(reader: _Reader, place: int) -> Node | None:
    """Find ``x * sigmoid(x)`` and the like."""
    node = reader.node(place, "multiply")
    if node is None:
        return None
    kinds = {"sigmoid": "silu", "hsigmoid": "hswish"}
    for gate, x in (node.inputs, node.inputs[::-1]):
        inner = reader.inner(gate, "activation")
        if inner is not None and inner.inputs == (x,) and inner.attributes["kind"] in kinds:
            attributes = {"kind": kinds[inner.attributes["kind"]]}
            return replace(node, op="activation", inputs=(x,), attributes=attributes)
    return None


def _gelu(reader: _Reader, place: int) -> Node | None:
    """Find ``x * (1 + erf(x / sqrt(2))) / 2``, the factors in any order."""
    node = reader.node(place, "multiply")
    if node is None:
        return None
    factors: list[int] = []
    halves, todo = 0, list(node.inputs)
    while todo:
        factor = todo.pop()
        inner = reader.inner(factor, "multiply")
        if reader.is_number(factor, 0.5):
            halves += 1
        elif inner is not None and len(factors) < 3:
            todo += inner.inputs
        else:
            factors.append(factor)
    if halves != 1 or len(factors) != 2:
        return None
    for gate, x in (factors, factors[::-1]):
        erf = reader.with_number(gate, "add", 1.0)
        inner = None if erf is None else reader.inner(erf, "unary", "erf")
        if inner is None:
            continue
        scaled = inner.inputs[0]
        divided = reader.with_number(scaled, "binary", sqrt(2), "div")
        if x in (divided, reader.with_number(scaled, "multiply", 1 / sqrt(2))):
            return replace(node, op="activation", inputs=(x,), attributes={"kind": "gelu"})
    return None


def _bias(reader: _Reader, place: int) -> Node | None:
    """Find a product with a weight and what is added to each of its features."""
    node = reader.node(place, "add")
    if node is None:
        return None
    for one, other in (node.inputs, node.inputs[::-1]):
        linear, constant = reader.inner(one, "linear"), reader.node(other, "constant")
        if (
            linear is not None
            and constant is not None
            and not linear.attributes["bias"]
            and constant.shape == node.shape[-1:]
            and reader.serves_only(other)
            and linear.shape == node.shape
        ):
            attributes = {**linear.attributes, "bias": True}
            if "params" in attributes:
                attributes["params"] += node_params(constant, ())
            return replace(linear, attributes=attributes)
    return None


def _layer_norm(reader: _Reader, place: int) -> Node | None:
    """Find ``(x - mean) / sqrt(mean((x - mean) ** 2) + epsilon) * weight + bias``."""
    node = reader.node(place, "add")
    if node is None or len(node.inputs) != 2:
        return None
    for scaled_place, bias_place in (node.inputs, node.inputs[::-1]):
        scaled, bias = reader.inner(scaled_place, "multiply"), reader.node(bias_place, "constant")
        if scaled is None or bias is None:
            continue
        for quotient_place, weight_place in (scaled.inputs, scaled.inputs[::-1]):
            quotient = reader.inner(quotient_place, "binary", "div")
            weight = reader.node(weight_place, "constant")
            if quotient is None or weight is None or weight.shape != bias.shape:
                continue
            found = _centred(reader, quotient)
            n_axes = len(weight.shape)
            if found is None or weight.shape != node.shape[-n_axes:]:
                continue
            x, epsilon, axes = found
            if axes == tuple(range(len(node.shape) - n_axes, len(node.shape))):
                attributes = {"epsilon": epsilon, "axes": n_axes, "affine": True}
                return replace(
                    node, op="layer_norm", inputs=(x,), attributes=attributes,
                    name=weight.name.removesuffix(".weight"),
                )  # fmt: skip
    return None


def _centred(reader: _Reader, quotient: Node) -> tuple[int, float, Sequence[int]] | None:
    """Return what a quotient normalises, with which epsilon, over which axes."""
    centred_place, root_place = quotient.inputs
    centred = reader.node(centred_place, "binary", "sub")
    root = reader.inner(root_place, "unary", "sqrt")
    if centred is None or root is None or not reader.serves_only(centred_place, 2):
        return None
    variance = reader.inner(root.inputs[0], "add")
    if variance is None:
        return None
    for mean_place, number in (variance.inputs, variance.inputs[::-1]):
        epsilon, mean = reader.number(number), reader.inner(mean_place, "reduce", "mean")
        if epsilon is None or mean is None:
            continue
        square = reader.inner(mean.inputs[0], "binary", "pow")
        average = reader.inner(centred.inputs[1], "reduce", "mean")
        if (
            square is not None
            and square.inputs[0] == centred_place
            and average is not None
            and average.inputs[0] == centred.inputs[0]
        ):
            return centred.inputs[0], float(f"{epsilon:.6g}"), mean.attributes["axes"]
    return None


def _attention(reader: _Reader, place: int) -> Node | None:
    """Find ``softmax(queries @ keys.T * scale + mask) @ values``."""
    node = reader.node(place, "matmul")
    if node is None or len(node.shape) < 3:
        return None
    softmax = reader.inner(node.inputs[0], "softmax")
    if softmax is None or softmax.attributes["axis"] != len(softmax.shape) - 1:
        return None
    scores = softmax.inputs[0]
    masks: tuple[int, ...] = ()
    added = reader.inner(scores, "add")
    if added is not None:
        scores, masks = added.inputs[0], (added.inputs[1],)
    scores = _unscaled(reader, scores)
    product = reader.inner(scores, "matmul")
    if product is None:
        return None
    queries = _unscaled(reader, product.inputs[0])
    turned_place = _unscaled(reader, product.inputs[1])
    turned = reader.inner(turned_place, "transpose")
    if turned is None:
        return None
    axes = list(turned.attributes["axes"])
    n_axes = len(axes)
    source = reader.nodes[turned.inputs[0]]
    if axes == [*range(n_axes - 2), n_axes - 1, n_axes - 2]:
        keys = turned.inputs[0]
    else:  # turned into place and transposed at once
        axes[-2:] = axes[:-3:-1]
        shape = tuple(source.shape[axis] for axis in axes)
        keys = turned_place
        reader.nodes[keys] = replace(turned, shape=shape, attributes={"axes": tuple(axes)})
    operands = (queries, keys, node.inputs[1], *masks)
    return replace(node, op="attention", inputs=operands, attributes={})


def _channel_shuffle(reader: _Reader, place: int) -> Node | None:
    """Find an exchange of groups and channels: reshape, transpose and reshape back."""
    node = reader.node(place, "reshape")
    turned = None if node is None else reader.inner(node.inputs[0], "transpose")
    apart = None if turned is None else reader.inner(turned.inputs[0], "reshape")
    if node is None or turned is None or apart is None:
        return None
    n_axes = len(apart.shape)
    x = reader.nodes[apart.inputs[0]]
    if (
        n_axes > 3
        and turned.attributes["axes"] == (0, 2, 1, *range(3, n_axes))
        and x.shape
        == node.shape
        == (apart.shape[0], apart.shape[1] * apart.shape[2], *apart.shape[3:])
    ):
        attributes = {"groups": apart.shape[1]}
        return replace(node, op="channel_shuffle", inputs=apart.inputs, attributes=attributes)
    return None


def _unscaled(reader: _Reader, place: int) -> int:
    """Return what is multiplied with or divided by a number, or the place itself."""
    node = reader.inner(place, "multiply") or reader.inner(place, "binary", "div")
    if node is None:
        return place
    one, other = node.inputs
    if reader.number(other) is not None:
        return one
    return other if node.op == "multiply" and reader.number(one) is not None else place
