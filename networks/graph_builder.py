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

        Yields
        ------
        None
            Ops that are appended within the block carry the labels.

        Examples
        --------
        >>> builder = GraphBuilder(chosen={"block1": "k3", "block2": "skip"})
        >>> with builder.at("block1", stage=1):
        ...     x = builder.input((3, 32, 32))
        >>> [(node.position, node.stage) for node in builder.nodes_at([x])]
        [(0, 1)]
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

        Returns
        -------
        Value
            Its result.

        Raises
        ------
        UnknownNameError
            If there is no such precision.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8,))
        >>> builder.node("sort", [x], (1, 8)).shape  # an op that the vocabulary lacks
        (1, 8)
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
        """Append an op that the vocabulary lacks, by its own name, with its result's shape.

        Parameters
        ----------
        kind : str
            Its own name.
        *inputs : Value
            What it reads.
        shape : sequence of int
            Of its result, batch first.
        macs, params : int, default=0
            Its multiply-accumulates and parameters.
        name : str, default=""
            Prefix of its weights in a state dict.

        Returns
        -------
        Value
            Its result.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> builder.other("sort", builder.input((8,)), shape=(1, 8)).shape
        (1, 8)
        """
        return self.node("other", inputs, shape, name=name, kind=kind, macs=macs, params=params)

    # Inputs and constants --------------------------------------------------------------------

    def input(self, shape: Sequence[int], *, precision: str = "fp32") -> Value:
        """Append an input of the network.

        Parameters
        ----------
        shape : sequence of int
            Without the batch.
        precision : str, default="fp32"
            Of its elements.

        Returns
        -------
        Value
            The input, batch first.

        Raises
        ------
        UnknownNameError
            If there is no such precision.

        Examples
        --------
        >>> GraphBuilder(batch_size=4).input((3, 32, 32)).shape
        (4, 3, 32, 32)
        """
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

        Returns
        -------
        Value
            The tensor.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> builder.constant((1, 197, 192), name="positions").shape
        (1, 197, 192)
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

        Returns
        -------
        Value
            Shape ``(batch, channels, ...)``.

        Raises
        ------
        ArchcostError
            If `groups` does not divide the channels, or the kernel is larger than its input.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.conv(x, 16, 3, stride=2, name="conv").shape
        (1, 16, 16, 16)
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
        """Append a linear layer on the last axis.

        Parameters
        ----------
        x : Value
            Shape ``(..., features)``.
        features : int
            Features of the result.
        name : str
            Prefix of its weights in a state dict.
        bias : bool, default=True
            Whether each feature of the result has a bias.

        Returns
        -------
        Value
            Shape ``(..., features)``.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> builder.linear(builder.input((16,)), 10, name="head").shape
        (1, 10)
        """
        shape = (*x.shape[:-1], features)
        return self._append("linear", (x,), shape, {"bias": bias}, self._new(name))

    def matmul(self, x: Value, y: Value) -> Value:
        """Append the product of the matrices in the last two axes; the others are broadcast.

        Parameters
        ----------
        x : Value
            Shape ``(..., n, k)``.
        y : Value
            Shape ``(..., k, m)``.

        Returns
        -------
        Value
            Shape ``(..., n, m)``.

        Raises
        ------
        ArchcostError
            If the shapes do not fit.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x, y = builder.input((4, 8)), builder.input((8, 2))
        >>> builder.matmul(x, y).shape
        (1, 4, 2)
        """
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
        """Append scaled dot product attention.

        Parameters
        ----------
        queries, keys, values : Value
            Shapes ``(..., tokens, features)``; keys and values have the same tokens.
        mask : Value, optional
            Added to the products of queries and keys.

        Returns
        -------
        Value
            Shape ``(..., tokens of the queries, features of the values)``.

        Raises
        ------
        ArchcostError
            If the shapes do not fit.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> tokens = builder.input((4, 197, 64))
        >>> builder.attention(tokens, tokens, tokens).shape
        (1, 4, 197, 64)
        """
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
        """Append a batch normalisation of the channels, as it is after training.

        Parameters
        ----------
        x : Value
            Shape ``(batch, channels, ...)``.
        name : str
            Prefix of its weights in a state dict.
        epsilon : float
            Added to the variance.

        Returns
        -------
        Value
            Of the shape of `x`.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.batch_norm(x, name="norm").shape
        (1, 8, 32, 32)
        """
        return self._append("batch_norm", (x,), x.shape, {"epsilon": epsilon}, self._new(name))

    def layer_norm(
        self, x: Value, *, name: str, axes: int = 1, epsilon: float = NORM_EPSILON
    ) -> Value:
        """Append a layer normalisation over the last `axes` axes.

        Parameters
        ----------
        x : Value
            Any shape.
        name : str
            Prefix of its weights in a state dict.
        axes : int, default=1
            Over how many axes, counted from the last.
        epsilon : float
            Added to the variance.

        Returns
        -------
        Value
            Of the shape of `x`.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> builder.layer_norm(builder.input((197, 192)), name="norm").shape
        (1, 197, 192)
        """
        attributes = {"epsilon": epsilon, "axes": axes, "affine": True}
        return self._append("layer_norm", (x,), x.shape, attributes, self._new(name))

    def group_norm(
        self, x: Value, groups: int, *, name: str, epsilon: float = NORM_EPSILON
    ) -> Value:
        """Append a group normalisation of the channels.

        Parameters
        ----------
        x : Value
            Shape ``(batch, channels, ...)``.
        groups : int
            Of channels, each normalised by itself.
        name : str
            Prefix of its weights in a state dict.
        epsilon : float
            Added to the variance.

        Returns
        -------
        Value
            Of the shape of `x`.

        Raises
        ------
        ArchcostError
            If `groups` does not divide the channels.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.group_norm(x, 4, name="norm").shape
        (1, 8, 32, 32)
        """
        if x.shape[1] % groups:
            raise ArchcostError(
                f"groups of a normalisation must divide the channels, but {name!r} has {groups} "
                f"groups for {x.shape[1]} channels"
            )
        attributes = {"epsilon": epsilon, "groups": groups, "affine": True}
        return self._append("group_norm", (x,), x.shape, attributes, self._new(name))

    def activation(self, x: Value, kind: str) -> Value:
        """Append an activation without parameters.

        Parameters
        ----------
        x : Value
            Any shape.
        kind : str
            One of ``ACTIVATIONS`` but ``prelu``, which has parameters.

        Returns
        -------
        Value
            Of the shape of `x`.

        Raises
        ------
        UnknownNameError
            If there is no such activation.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.activation(x, "hswish").shape
        (1, 8, 32, 32)
        """
        check_name("activation", kind, ACTIVATIONS)
        return self._append("activation", (x,), x.shape, {"kind": kind})

    def relu(self, x: Value) -> Value:
        """Append a ReLU."""
        return self._append("activation", (x,), x.shape, {"kind": "relu"})

    def softmax(self, x: Value, axis: int = -1) -> Value:
        """Append a softmax along an axis.

        Parameters
        ----------
        x : Value
            Any shape.
        axis : int, default=-1
            Along which the elements sum to one.

        Returns
        -------
        Value
            Of the shape of `x`.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> builder.softmax(builder.input((10,))).shape
        (1, 10)
        """
        return self._append("softmax", (x,), x.shape, {"axis": axis % len(x.shape)})

    # Pooling ---------------------------------------------------------------------------------

    def max_pool(
        self, x: Value, kernel: PerAxis, *, stride: PerAxis | None = None, padding: Padding = 0
    ) -> Value:
        """Append a max pooling.

        Parameters
        ----------
        x : Value
            Shape ``(batch, channels, ...)``.
        kernel : int or sequence of int
            One for all axes, or one an axis.
        stride : int or sequence of int, optional
            `kernel` by default.
        padding : int, sequence of int, or sequence of pairs, default=0
            Around the axes after the channels.

        Returns
        -------
        Value
            Shape ``(batch, channels, ...)``.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.max_pool(x, 3, stride=2, padding=1).shape
        (1, 8, 16, 16)
        """
        return self._pool("max_pool", x, kernel, stride, padding)

    def avg_pool(
        self, x: Value, kernel: PerAxis, *, stride: PerAxis | None = None, padding: Padding = 0
    ) -> Value:
        """Append an average pooling that leaves the padding out of the count.

        Parameters
        ----------
        x : Value
            Shape ``(batch, channels, ...)``.
        kernel : int or sequence of int
            One for all axes, or one an axis.
        stride : int or sequence of int, optional
            `kernel` by default.
        padding : int, sequence of int, or sequence of pairs, default=0
            Around the axes after the channels.

        Returns
        -------
        Value
            Shape ``(batch, channels, ...)``.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.avg_pool(x, 2).shape
        (1, 8, 16, 16)
        """
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
        """Append the sum of two tensors, broadcast.

        Parameters
        ----------
        x, y : Value
            Shapes that broadcast, as in numpy.

        Returns
        -------
        Value
            Of the common shape.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.add(x, builder.relu(x)).shape
        (1, 8, 32, 32)
        """
        shape = x.shape if x.shape == y.shape else broadcast(x.shape, y.shape, "add")
        return self._append("add", (x, y), shape, {})

    def multiply(self, x: Value, y: Value) -> Value:
        """Append the product of two tensors, broadcast, as squeeze-and-excitation has it.

        Parameters
        ----------
        x, y : Value
            Shapes that broadcast, as in numpy.

        Returns
        -------
        Value
            Of the common shape.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.multiply(x, builder.global_pool(x)).shape
        (1, 8, 32, 32)
        """
        return self._append("multiply", (x, y), broadcast(x.shape, y.shape, "multiply"), {})

    def concat(self, *values: Value, axis: int = 1) -> Value:
        """Append tensors joined along an axis.

        Parameters
        ----------
        *values : Value
            Shapes that agree but for one axis.
        axis : int, default=1
            That axis.

        Returns
        -------
        Value
            As long along the axis as all of them.

        Raises
        ------
        ArchcostError
            If the shapes do not agree.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.concat(x, x).shape
        (1, 16, 32, 32)
        """
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
        """Append the rows of a table at indices, as an embedding has it.

        Parameters
        ----------
        table : Value
            What is looked up, such as the vectors of an embedding.
        indices : Value
            Any shape.
        axis : int, default=0
            Of the table, along which it is indexed.

        Returns
        -------
        Value
            Shape of the table, with that of the indices in place of the axis.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> table = builder.constant((1000, 64), name="words")
        >>> builder.gather(table, builder.input((12,), precision="int64")).shape
        (1, 12, 64)
        """
        shape = (*table.shape[:axis], *indices.shape, *table.shape[axis + 1 :])
        return self._append("gather", (table, indices), shape, {"axis": axis})

    # Shapes ----------------------------------------------------------------------------------

    def split(self, x: Value, start: int, size: int, axis: int = 1) -> Value:
        """Append a part of a tensor.

        Parameters
        ----------
        x : Value
            Any shape.
        start, size : int
            First element and number of elements.
        axis : int, default=1
            Along which they are counted.

        Returns
        -------
        Value
            Of that size along the axis.

        Raises
        ------
        ArchcostError
            If the part does not lie within the axis.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.split(x, 2, 4).shape
        (1, 4, 32, 32)
        """
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
        """Append a change of shape.

        Parameters
        ----------
        x : Value
            Any shape, batch first.
        shape : sequence of int
            The new one without the batch, which stays.

        Returns
        -------
        Value
            Of the new shape, batch first.

        Raises
        ------
        ArchcostError
            If the new shape does not hold as many elements.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.reshape(x, (8, 1024)).shape
        (1, 8, 1024)
        """
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
        """Append an exchange of axes.

        Parameters
        ----------
        x : Value
            Any shape.
        axes : sequence of int
            The old place of each axis, the batch's included.

        Returns
        -------
        Value
            With the axes in the new order.

        Raises
        ------
        ArchcostError
            If these are not the axes of `x`.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.transpose(x, (0, 2, 3, 1)).shape
        (1, 32, 32, 8)
        """
        if sorted(axes) != list(range(len(x.shape))):
            raise ArchcostError(
                f"axes must be those of {x.shape} in a new order, but got {tuple(axes)}"
            )
        shape = tuple([x.shape[axis] for axis in axes])
        return self._append("transpose", (x,), shape, {"axes": tuple(axes)})

    def channel_shuffle(self, x: Value, groups: int) -> Value:
        """Append ShuffleNet's exchange of channels between `groups`.

        Parameters
        ----------
        x : Value
            Shape ``(batch, channels, ...)``.
        groups : int
            Between which channels change places.

        Returns
        -------
        Value
            Of the shape of `x`.

        Raises
        ------
        ArchcostError
            If `groups` does not divide the channels.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.channel_shuffle(x, 2).shape
        (1, 8, 32, 32)
        """
        if x.shape[1] % groups:
            raise ArchcostError(
                f"groups of a shuffle must divide the channels, but got {groups} groups for "
                f"{x.shape[1]} channels"
            )
        return self._append("channel_shuffle", (x,), x.shape, {"groups": groups})

    def pad(self, x: Value, padding: Padding) -> Value:
        """Append a border of zeros around the axes after the channels.

        Parameters
        ----------
        x : Value
            Shape ``(batch, channels, ...)``.
        padding : int, sequence of int, or sequence of pairs
            One for all axes, one an axis, or one a side.

        Returns
        -------
        Value
            With the border.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.pad(x, 1).shape
        (1, 8, 34, 34)
        """
        pads = both_sides(padding, len(x.shape) - 2)
        sizes = [size + sum(pair) for size, pair in zip(x.shape[2:], pads, strict=True)]
        return self._append("pad", (x,), (*x.shape[:2], *sizes), {"padding": pads})

    def resize(self, x: Value, size: PerAxis, mode: str = "nearest") -> Value:
        """Append a change of resolution.

        Parameters
        ----------
        x : Value
            Shape ``(batch, channels, ...)``.
        size : int or sequence of int
            The new resolution.
        mode : {"nearest", "bilinear"}, default="nearest"
            How it is interpolated.

        Returns
        -------
        Value
            Shape ``(batch, channels, *size)``.

        Raises
        ------
        UnknownNameError
            If there is no such mode.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input((8, 32, 32))
        >>> builder.resize(x, 64).shape
        (1, 8, 64, 64)
        """
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
