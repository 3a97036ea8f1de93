"""What a network is written into, op by op: shapes are inferred and checked on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any, NamedTuple

from archcost.errors import ArchcostError, check_name
from archcost.networks.graph import ACTIVATIONS, ELEMENT_BYTES, OPS, Graph, Node, Shape
from archcost.networks.shapes import (
    Padding,
    PerAxis,
    both_sides,
    broadcast,
    hashable,
    per_axis,
    sliding_window,
)

NORM_EPSILON = 1e-5
"""That of torch's normalisations."""


class Value(NamedTuple):
    """The result of an op, to be given to the ops that read it.

    Parameters
    ----------
    place : int
        Of its node in the graph.
    shape : tuple of int
        Batch first.
    """

    place: int
    shape: Shape

    @property
    def channels(self) -> int:
        """Channels of an image, or features of a vector."""
        return self.shape[1]


class GraphBuilder:
    """Collect the ops of a network in order of execution.

    Parameters
    ----------
    batch_size : int, default=1
        Put before the shapes of inputs.
    chosen : mapping from str to str, optional
        Position -> op of the architecture that is described, so that ``at`` takes positions by
        name and labels what implements them with the op.

    Examples
    --------
    >>> builder = GraphBuilder()
    >>> x = builder.conv(builder.input((3, 32, 32)), 8, 3, stride=2, name="stem")
    >>> x = builder.relu(builder.batch_norm(x, name="norm"))
    >>> builder.graph(builder.linear(builder.flatten(builder.global_pool(x)), 10, name="head"))
    <Graph of 7 nodes: 1x3x32x32 -> 1x10>
    """

    def __init__(self, batch_size: int = 1, chosen: Mapping[str, str] | None = None) -> None:
        self.batch_size = batch_size
        self._positions = {} if chosen is None else {name: i for i, name in enumerate(chosen)}
        self._ops = [] if chosen is None else list(chosen.values())
        self._nodes: list[Node] = []
        self._names: set[str] = set()
        self._label: tuple[int | None, int, str] = (None, 0, "")

    # Where a node belongs --------------------------------------------------------------------

    @contextmanager
    def at(
        self,
        position: int | str | None = None,
        part: str | None = None,
        *,
        stage: int | None = None,
    ) -> Iterator[None]:
        """Say what the ops within the ``with`` block implement; what is not given stays.

        Parameters
        ----------
        position : int or str, optional
            A position of the architecture, by its place or its name.
        part : str, optional
            A label, such as ``"stem"``; the op at the position where that is given.
        stage : int, optional
            The stage of the macro architecture.
        """
        before = self._label
        if isinstance(position, str):
            position = self._positions[check_name("position", position, self._positions)]
        if position is not None and part is None and self._ops:
            part = self._ops[position]
        self._label = (
            before[0] if position is None else position,
            before[1] if stage is None else stage,
            before[2] if part is None else part,
        )
        try:
            yield
        finally:
            self._label = before

    # Any op ----------------------------------------------------------------------------------

    def node(
        self, op: str, inputs: Sequence[Value], shape: Sequence[int], *,
        name: str = "", precision: str | None = None, **attributes: Any,
    ) -> Value:  # fmt: skip
        """Append an op whose result's shape is known, as readers of other formats do.

        Parameters
        ----------
        op : str
            One of ``OPS``; any other becomes ``other`` of that kind.
        inputs : sequence of Value
            What it reads.
        shape : sequence of int
            Of its result, batch first.
        name : str, default=""
            Prefix of its weights in a state dict; one that was used before shares them.
        precision : str, optional
            That of the first input by default.
        **attributes
            As ``archcost.networks.graph`` lists them.
        """
        if op not in OPS:
            op, attributes = "other", {"kind": op, **attributes}
        if precision is None:
            precision = self._nodes[inputs[0].place].precision if inputs else "fp32"
        else:
            check_name("precision", precision, ELEMENT_BYTES)
        return self._append(op, tuple(inputs), tuple(shape), attributes, name, precision)

    def nodes_at(self, values: Sequence[Value]) -> list[Node]:
        """Return the ops that gave the values."""
        return [self._nodes[value.place] for value in values]

    def other(
        self, kind: str, *inputs: Value, shape: Sequence[int], macs: int = 0, params: int = 0,
        name: str = "",
    ) -> Value:  # fmt: skip
        """Append an op that the vocabulary lacks, by its own name, with its result's shape."""
        return self.node("other", inputs, shape, name=name, kind=kind, macs=macs, params=params)

    # Inputs and constants --------------------------------------------------------------------

    def input(self, shape: Sequence[int], *, precision: str = "fp32") -> Value:
        """Append an input of the network; `shape` is without the batch."""
        check_name("precision", precision, ELEMENT_BYTES)
        return self._append("input", (), (self.batch_size, *shape), {}, "", precision)

    def constant(
        self, shape: Sequence[int], *, name: str, trainable: bool = True,
        fill: float | None = None, params: int | None = None,
    ) -> Value:  # fmt: skip
        """Append a tensor that is the same for all inputs, such as an embedding of positions.

        Parameters
        ----------
        shape : sequence of int
            The whole shape.
        name : str
            Its name in a state dict.
        trainable : bool, default=True
            Whether it is a parameter.
        fill : float, optional
            The value of all its elements, if they are fixed; then it is no parameter.
        params : int, optional
            How many parameters its elements are made of, where some share one; otherwise each is
            one.
        """
        attributes = {"trainable": trainable and fill is None, "fill": fill}
        if params is not None:
            attributes["params"] = params
        return self._append("constant", (), tuple(shape), attributes, self._new(name), "fp32")

    def zero(self, x: Value) -> Value:
        """Append zeros in the shape of `x`, which they do not depend on."""
        return self._append("zero", (), x.shape, {}, "", self._nodes[x.place].precision)

    # Sums of products ------------------------------------------------------------------------

    def conv(
        self, x: Value, channels: int, kernel: PerAxis = 1, *, name: str,
        stride: PerAxis = 1, padding: Padding | None = None, dilation: PerAxis = 1,
        groups: int = 1, bias: bool = False,
    ) -> Value:  # fmt: skip
        """Append a convolution over all axes after the channels.

        Parameters
        ----------
        x : Value
            Shape ``(batch, channels, ...)``.
        channels : int
            Channels of the result.
        kernel, stride, dilation : int or sequence of int, default=1
            One for all axes, or one an axis.
        name : str
            Prefix of its weights in a state dict.
        padding : int, sequence of int, or sequence of pairs, optional
            By default what keeps the resolution at stride 1 if kernels are odd.
        groups : int, default=1
            Of channels; as many as channels for a depthwise convolution.
        bias : bool, default=False
            Whether each channel of the result has a bias.
        """
        self._check_image(x, "conv")
        window, sizes = sliding_window(
            x.shape[2:], hashable(kernel), hashable(stride), hashable(padding), hashable(dilation)
        )
        if groups < 1 or channels < 1 or x.shape[1] % groups or channels % groups:
            raise ArchcostError(
                f"groups of a convolution must divide its channels, but {name!r} has {groups} "
                f"groups for {x.shape[1]} channels in and {channels} out"
            )
        attributes = {**window, "groups": groups, "bias": bias}
        return self._append(
            "conv", (x,), (x.shape[0], channels, *sizes), attributes, self._new(name)
        )

    def linear(self, x: Value, features: int, *, name: str, bias: bool = True) -> Value:
        """Append a linear layer on the last axis."""
        shape = (*x.shape[:-1], features)
        return self._append("linear", (x,), shape, {"bias": bias}, self._new(name))

    def matmul(self, x: Value, y: Value) -> Value:
        """Append the product of the matrices in the last two axes; the others are broadcast."""
        if len(x.shape) < 2 or len(y.shape) < 2 or x.shape[-1] != y.shape[-2]:
            raise ArchcostError(
                "matrices must have as many columns as the second has rows, but got "
                f"{x.shape} and {y.shape}"
            )
        batch = broadcast(x.shape[:-2], y.shape[:-2], "matmul")
        return self._append("matmul", (x, y), (*batch, x.shape[-2], y.shape[-1]), {})

    def attention(
        self, queries: Value, keys: Value, values: Value, mask: Value | None = None
    ) -> Value:
        """Append scaled dot product attention, shapes ``(..., tokens, features)``."""
        q, k, v = queries.shape, keys.shape, values.shape
        if min(len(q), len(k), len(v)) < 3 or q[-1] != k[-1] or k[-2] != v[-2]:
            raise ArchcostError(
                "queries and keys of attention must have the same features, keys and values the "
                f"same tokens, but their shapes are {q}, {k} and {v}"
            )
        inputs = (queries, keys, values) if mask is None else (queries, keys, values, mask)
        return self._append("attention", inputs, (*q[:-1], v[-1]), {})

    # Normalisation and activation ------------------------------------------------------------

    def batch_norm(self, x: Value, *, name: str, epsilon: float = NORM_EPSILON) -> Value:
        """Append a batch normalisation of the channels, as it is after training."""
        return self._append("batch_norm", (x,), x.shape, {"epsilon": epsilon}, self._new(name))

    def layer_norm(
        self, x: Value, *, name: str, axes: int = 1, epsilon: float = NORM_EPSILON
    ) -> Value:
        """Append a layer normalisation over the last `axes` axes."""
        attributes = {"epsilon": epsilon, "axes": axes, "affine": True}
        return self._append("layer_norm", (x,), x.shape, attributes, self._new(name))

    def group_norm(
        self, x: Value, groups: int, *, name: str, epsilon: float = NORM_EPSILON
    ) -> Value:
        """Append a group normalisation of the channels."""
        if x.shape[1] % groups:
            raise ArchcostError(
                f"groups of a normalisation must divide the channels, but {name!r} has {groups} "
                f"groups for {x.shape[1]} channels"
            )
        attributes = {"epsilon": epsilon, "groups": groups, "affine": True}
        return self._append("group_norm", (x,), x.shape, attributes, self._new(name))

    def activation(self, x: Value, kind: str) -> Value:
        """Append an activation without parameters, one of ``ACTIVATIONS`` but ``prelu``."""
        check_name("activation", kind, ACTIVATIONS)
        return self._append("activation", (x,), x.shape, {"kind": kind})

    def relu(self, x: Value) -> Value:
        """Append a ReLU."""
        return self._append("activation", (x,), x.shape, {"kind": "relu"})

    def softmax(self, x: Value, axis: int = -1) -> Value:
        """Append a softmax along an axis."""
        return self._append("softmax", (x,), x.shape, {"axis": axis % len(x.shape)})

    # Pooling ---------------------------------------------------------------------------------

    def max_pool(
        self, x: Value, kernel: PerAxis, *, stride: PerAxis | None = None, padding: Padding = 0
    ) -> Value:
        """Append a max pooling; `stride` is `kernel` by default."""
        return self._pool("max_pool", x, kernel, stride, padding)

    def avg_pool(
        self, x: Value, kernel: PerAxis, *, stride: PerAxis | None = None, padding: Padding = 0
    ) -> Value:
        """Append an average pooling that leaves the padding out of the count."""
        return self._pool("avg_pool", x, kernel, stride, padding)

    def global_pool(self, x: Value) -> Value:
        """Append the average over all axes after the channels, which become 1."""
        self._check_image(x, "global_pool")
        return self._append("global_pool", (x,), (*x.shape[:2], *[1] * (len(x.shape) - 2)), {})

    def _pool(
        self, op: str, x: Value, kernel: PerAxis, stride: PerAxis | None, padding: Padding
    ) -> Value:
        self._check_image(x, op)
        window, sizes = sliding_window(
            x.shape[2:], hashable(kernel), hashable(kernel if stride is None else stride),
            hashable(padding),
        )  # fmt: skip
        return self._append(op, (x,), (*x.shape[:2], *sizes), window)

    # Several tensors -------------------------------------------------------------------------

    def add(self, x: Value, y: Value) -> Value:
        """Append the sum of two tensors, broadcast."""
        shape = x.shape if x.shape == y.shape else broadcast(x.shape, y.shape, "add")
        return self._append("add", (x, y), shape, {})

    def multiply(self, x: Value, y: Value) -> Value:
        """Append the product of two tensors, broadcast, as squeeze-and-excitation has it."""
        return self._append("multiply", (x, y), broadcast(x.shape, y.shape, "multiply"), {})

    def concat(self, *values: Value, axis: int = 1) -> Value:
        """Append tensors joined along an axis."""
        others = {v.shape[:axis] + v.shape[axis % len(v.shape) + 1 :] for v in values}
        if len(others) != 1:
            raise ArchcostError(
                f"tensors to concatenate must agree but for axis {axis}, but their shapes are "
                f"{[v.shape for v in values]}"
            )
        shape = list(values[0].shape)
        shape[axis] = sum(v.shape[axis] for v in values)
        return self._append("concat", values, tuple(shape), {"axis": axis % len(shape)})

    def gather(self, table: Value, indices: Value, axis: int = 0) -> Value:
        """Append the rows of a table at indices, as an embedding has it."""
        shape = (*table.shape[:axis], *indices.shape, *table.shape[axis + 1 :])
        return self._append("gather", (table, indices), shape, {"axis": axis})

    # Shapes ----------------------------------------------------------------------------------

    def split(self, x: Value, start: int, size: int, axis: int = 1) -> Value:
        """Append a part of a tensor: `size` elements from `start` along an axis."""
        if not 0 <= start < start + size <= x.shape[axis]:
            raise ArchcostError(
                f"a part must lie within the {x.shape[axis]} elements of axis {axis}, but got "
                f"{start} to {start + size}"
            )
        shape = list(x.shape)
        shape[axis] = size
        return self._append(
            "split", (x,), tuple(shape), {"axis": axis % len(shape), "start": start}
        )

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """Append a change of shape; `shape` is without the batch, which stays."""
        whole = (x.shape[0], *shape)
        if prod(whole) != prod(x.shape):
            raise ArchcostError(
                f"a new shape must hold as many elements as {x.shape}, but got {whole}"
            )
        return self._append("reshape", (x,), whole, {})

    def flatten(self, x: Value) -> Value:
        """Append a change of shape to ``(batch, features)``."""
        return self._append("reshape", (x,), (x.shape[0], prod(x.shape[1:])), {})

    def transpose(self, x: Value, axes: Sequence[int]) -> Value:
        """Append an exchange of axes, the batch's included."""
        if sorted(axes) != list(range(len(x.shape))):
            raise ArchcostError(
                f"axes must be those of {x.shape} in a new order, but got {tuple(axes)}"
            )
        shape = tuple([x.shape[axis] for axis in axes])
        return self._append("transpose", (x,), shape, {"axes": tuple(axes)})

    def channel_shuffle(self, x: Value, groups: int) -> Value:
        """Append ShuffleNet's exchange of channels between `groups`."""
        if x.shape[1] % groups:
            raise ArchcostError(
                f"groups of a shuffle must divide the channels, but got {groups} groups for "
                f"{x.shape[1]} channels"
            )
        return self._append("channel_shuffle", (x,), x.shape, {"groups": groups})

    def pad(self, x: Value, padding: Padding) -> Value:
        """Append a border of zeros around the axes after the channels."""
        pads = both_sides(padding, len(x.shape) - 2)
        sizes = [size + sum(pair) for size, pair in zip(x.shape[2:], pads, strict=True)]
        return self._append("pad", (x,), (*x.shape[:2], *sizes), {"padding": pads})

    def resize(self, x: Value, size: PerAxis, mode: str = "nearest") -> Value:
        """Append a change of resolution to `size`."""
        check_name("mode", mode, ("nearest", "bilinear"))
        shape = (*x.shape[:2], *per_axis(size, len(x.shape) - 2))
        return self._append("resize", (x,), shape, {"mode": mode})

    # The result ------------------------------------------------------------------------------

    def graph(self, *outputs: Value) -> Graph:
        """Return the graph whose results are `outputs`."""
        for output in outputs:
            self._check_value(output)
        return Graph(tuple(self._nodes), tuple(output.place for output in outputs))

    def _append(
        self, op: str, inputs: tuple[Value, ...], shape: Shape, attributes: dict[str, Any],
        name: str = "", precision: str = "",
    ) -> Value:  # fmt: skip
        nodes = self._nodes
        for value in inputs:
            self._check_value(value)
        place = len(nodes)
        nodes.append(
            Node(
                op, tuple([value.place for value in inputs]), shape, attributes, name,
                precision or nodes[inputs[0].place].precision, *self._label,
            )
        )  # fmt: skip
        return Value(place, shape)

    def _check_value(self, value: Value) -> None:
        place = value.place
        if place >= len(self._nodes) or self._nodes[place].shape != value.shape:
            raise ArchcostError(f"an input must be a result of the same builder, but got {value}")

    def _new(self, name: str) -> str:
        if not name or name in self._names:
            raise ArchcostError(
                "the weights of each op must have a name of their own, but got "
                f"{name!r}{' again' if name else ''}; number the ops of a loop"
            )
        self._names.add(name)
        return name

    def _check_image(self, x: Value, op: str) -> None:
        if len(x.shape) < 3:
            raise ArchcostError(
                f"{op} must be given a shape (batch, channels, height, width), but got {x.shape}"
            )
