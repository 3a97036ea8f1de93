"""How the ops of ONNX become ops of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from archcost.errors import ArchcostError
from archcost.networks import Value

if TYPE_CHECKING:
    import onnx

    from archcost.reading.onnx_tensors import OnnxTensors


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """A node that is to be read.

    Parameters
    ----------
    node : onnx.NodeProto
        As the file has it.
    tensors : OnnxTensors
        What is known of what it reads and gives.
    attributes : dict
        By name.
    """

    node: onnx.NodeProto
    tensors: OnnxTensors
    attributes: dict[str, Any]

    def input(self, number: int) -> str:
        """Return the name of an input, empty if it is left out."""
        return self.node.input[number] if number < len(self.node.input) else ""

    @property
    def x(self) -> str:
        """The name of the first input."""
        return self.node.input[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first input."""
        return self.tensors.shape(self.x)

    @property
    def result(self) -> str:
        """The name of the first result."""
        return self.node.output[0]

    @property
    def result_shape(self) -> tuple[int, ...]:
        """Shape of the first result."""
        return self.tensors.shape(self.result)

    def apply(self, op: str, inputs: Sequence[str | Value], **attributes: Any) -> Value:
        """Append the op that gives the first result."""
        return self.tensors.apply(op, inputs, self.result, **attributes)

    def step(
        self, op: str, inputs: Sequence[str | Value], shape: Sequence[int], **attributes: Any
    ) -> Value:
        """Append one of several ops that give the first result together."""
        return self.tensors.step(op, inputs, self.result, shape, **attributes)

    def give(self, value: Value) -> None:
        """Say what the first result is."""
        self.tensors.values[self.result] = value

    def same(self) -> None:
        """Say that the first result is the first input."""
        self.give(self.tensors.value(self.x))

    def other(self) -> None:
        """Append an op that the vocabulary lacks."""
        self.apply(self.node.op_type, [name for name in self.node.input if name])


Reader = Callable[[OnnxNode], None]


def _conv(read: OnnxNode) -> None:
    a, weight = read.attributes, read.input(1)
    transposed = read.node.op_type == "ConvTranspose"
    if read.tensors.is_known(weight):
        shape = read.tensors.shape(weight)
        images = read.shape if transposed else read.result_shape
        macs = prod(shape[1:]) * prod(images)
        read.apply("dynamic_conv", [read.x, weight], macs=macs, groups=a.get("group", 1))
        return
    _check_conv(read, read.tensors.shape(weight), transposed=transposed)
    kernel = tuple(read.tensors.shape(weight)[2:])
    attributes = {
        **_window(read, kernel),
        "dilation": _sizes(read, "dilations", len(kernel)),
        "groups": a.get("group", 1),
        "bias": bool(read.input(2)),
    }
    if transposed:
        attributes["output_padding"] = tuple(a.get("output_padding", (0,) * len(kernel)))
    op = "conv_transpose" if transposed else "conv"
    read.apply(op, [read.x], weights=(weight, read.input(2)), **attributes)


def _check_conv(read: OnnxNode, weight: tuple[int, ...], *, transposed: bool) -> None:
    """Check that groups, kernel and weights of a convolution fit its input."""
    groups = read.attributes.get("group", 1)
    kernel = tuple(read.attributes.get("kernel_shape", weight[2:]))
    n_in = weight[0] if transposed else weight[1] * groups
    divided = n_in if transposed else weight[0]  # whose channels must come in whole groups
    if groups < 1 or divided % groups or n_in != read.shape[1] or kernel != weight[2:]:
        raise ArchcostError(
            f"a convolution must fit its input, but that which gives {read.result!r} has weights "
            f"of shape {weight}, {groups} groups and a kernel of {kernel} for an input of shape "
            f"{read.shape}; export the file anew"
        )


def _sizes(read: OnnxNode, name: str, n_axes: int) -> tuple[int, ...]:
    return tuple(read.attributes.get(name, (1,) * n_axes))


def _window(read: OnnxNode, kernel: tuple[int, ...]) -> dict[str, Any]:
    """Return kernel, stride and padding; that which follows from the result's shape too."""
    n_axes = len(kernel)
    stride, dilation = _sizes(read, "strides", n_axes), _sizes(read, "dilations", n_axes)
    pads = read.attributes.get("pads")
    auto = read.attributes.get("auto_pad", "NOTSET")
    if pads is not None and auto == "NOTSET":
        padding = [(pads[axis], pads[axis + n_axes]) for axis in range(n_axes)]
    elif auto.startswith("SAME"):
        total = [
            max(0, (-(-size // s) - 1) * s + d * (k - 1) + 1 - size)
            for size, k, s, d in zip(read.shape[2:], kernel, stride, dilation, strict=True)
        ]
        padding = [(both // 2, both - both // 2) for both in total]
        if auto == "SAME_LOWER":
            padding = [(after, before) for before, after in padding]
    elif auto in ("NOTSET", "VALID"):
        padding = [(0, 0)] * n_axes
    else:
        raise ArchcostError(
            f"auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER, but {read.result!r} is "
            f"padded by {auto!r}; export the file anew"
        )
    if read.attributes.get("ceil_mode"):  # what the last window lacks is padding
        padding = [
            (before, max(after, (out - 1) * s + d * (k - 1) + 1 - size - before))
            for (before, after), out, size, k, s, d in zip(
                padding, read.result_shape[2:], read.shape[2:], kernel, stride, dilation,
                strict=True,
            )
        ]  # fmt: skip
    return {"kernel": kernel, "stride": stride, "padding": tuple(padding)}


def _pool(op: str) -> Reader:
    def reader(read: OnnxNode) -> None:
        attributes = _window(read, tuple(read.attributes["kernel_shape"]))
        padded = any(map(any, attributes["padding"]))
        if op == "avg_pool" and padded and read.attributes.get("count_include_pad"):
            attributes["count_include_pad"] = True
        read.apply(op, [read.x], **attributes)

    return reader


def _global_max(read: OnnxNode) -> None:
    sizes = read.shape[2:]
    padding = ((0, 0),) * len(sizes)
    read.apply("max_pool", [read.x], kernel=sizes, stride=sizes, padding=padding)


def _gemm(read: OnnxNode) -> None:
    weight, bias, known = read.input(1), read.input(2), read.tensors.is_known
    if known(weight) or (bias and known(bias)) or read.attributes.get("transA"):
        turned: Value | str = weight
        if read.attributes.get("transB"):
            shape = read.tensors.shape(weight)[::-1]
            turned = read.step("transpose", [weight], shape, axes=(1, 0))
        product = read.apply("matmul", [read.x, turned])
        if bias:
            read.apply("add", [product, bias])
        return
    read.apply("linear", [read.x], weights=(weight, bias), bias=bool(bias))


def _matmul(read: OnnxNode) -> None:
    weight = read.input(1)
    if not read.tensors.is_known(weight) and len(read.tensors.shape(weight)) == 2:
        read.apply("linear", [read.x], weights=(weight,), bias=False)
    else:
        read.apply("matmul", [read.x, weight])


def _batch_norm(read: OnnxNode) -> None:
    epsilon = read.attributes.get("epsilon", 1e-5)
    weights = (read.input(1), read.input(2))
    read.apply("batch_norm", [read.x], weights=weights, epsilon=_rounded(epsilon))


def _rounded(number: float) -> float:
    """Return a number of single precision as it was written."""
    return float(f"{number:.6g}")


def _layer_norm(read: OnnxNode) -> None:
    n_axes, axis = len(read.shape), read.attributes.get("axis", -1)
    epsilon = _rounded(read.attributes.get("epsilon", 1e-5))
    weights = (read.input(1), read.input(2))
    read.apply(
        "layer_norm", [read.x], weights=weights, epsilon=epsilon, axes=n_axes - axis % n_axes,
        affine=True,
    )  # fmt: skip


def _group_norm(read: OnnxNode) -> None:
    groups = read.attributes.get("num_groups", read.shape[1])
    epsilon = _rounded(read.attributes.get("epsilon", 1e-5))
    weights = (read.input(1), read.input(2))
    read.apply("group_norm", [read.x], weights=weights, epsilon=epsilon, groups=groups, affine=True)


def _activation(kind: str) -> Reader:
    return lambda read: _applied(read, "activation", kind=kind)


def _applied(read: OnnxNode, op: str, **attributes: Any) -> None:
    read.apply(op, [read.x], **attributes)


def _prelu(read: OnnxNode) -> None:
    slope = read.input(1)
    n_slopes = prod(read.tensors.shape(slope))
    read.apply("activation", [read.x], weights=(slope,), kind="prelu", params=n_slopes)


def _clip(read: OnnxNode) -> None:
    bounds = [read.attributes.get("min"), read.attributes.get("max")]
    for number in (1, 2):
        value = read.tensors.constant(read.input(number))
        if value is not None:
            bounds[number - 1] = float(value.reshape(-1)[0])
    if bounds == [0, 6]:
        _applied(read, "activation", kind="relu6")
    elif bounds[0] == 0 and (bounds[1] is None or bounds[1] > 1e9):
        _applied(read, "activation", kind="relu")
    else:
        _applied(read, "unary", kind="clip")


def _two(op: str, **attributes: Any) -> Reader:
    def reader(read: OnnxNode) -> None:
        read.apply(op, [read.x, read.input(1)], **attributes)

    return reader


def _several(op: str, **attributes: Any) -> Reader:
    def reader(read: OnnxNode) -> None:
        """Read an op of any number of tensors as one after the other."""
        if len(read.node.input) == 1:
            read.same()
            return
        value: Value | str = read.x
        for name in read.node.input[1:]:
            value = read.apply(op, [value, name], **attributes)

    return reader


def _unary(kind: str) -> Reader:
    return lambda read: _applied(read, "unary", kind=kind)


def _cast(read: OnnxNode) -> None:
    if read.tensors.types[read.result][0] == read.tensors.types[read.x][0]:
        read.same()
    else:
        _applied(read, "unary", kind="cast")


def _reduce(kind: str) -> Reader:
    def reader(read: OnnxNode) -> None:
        n_axes = len(read.shape)
        axes = read.attributes.get("axes", read.attributes.get("axis"))
        if axes is None:
            axes = read.tensors.ints(read.input(1)) if read.input(1) else None
        listed = [axes] if isinstance(axes, int) else list(axes or range(n_axes))
        reduced = sorted(axis % n_axes for axis in listed)
        if kind == "mean" and n_axes > 3 and reduced == list(range(2, n_axes)):
            kept = (*read.shape[:2], *[1] * (n_axes - 2))
            pooled = read.step("global_pool", [read.x], kept)
            if read.result_shape == kept:
                read.give(pooled)
            else:
                read.apply("reshape", [pooled])
        else:
            _applied(read, "reduce", kind=kind, axes=tuple(reduced))

    return reader


def _softmax(read: OnnxNode) -> None:
    default = -1 if read.tensors.opsets.get("", 13) >= 13 else 1
    axis = read.attributes.get("axis", default) % len(read.shape)
    if read.node.op_type == "LogSoftmax":
        inner = read.step("softmax", [read.x], read.shape, axis=axis)
        read.apply("unary", [inner], kind="log")
    else:
        _applied(read, "softmax", axis=axis)


def _recurrent(gates: int) -> Reader:
    """Return the reader of a recurrent layer of so many gates: products of all its weights."""

    def reader(read: OnnxNode) -> None:
        weights = [read.input(number) for number in (1, 2, 3)]
        steps = read.shape[0] * read.shape[1]
        macs = steps * sum(prod(read.tensors.shape(weight)) for weight in weights[:2])
        kind = read.node.op_type.lower()
        read.apply("other", [read.x], weights=weights, kind=kind, macs=macs, gates=gates)

    return reader


def _attention(read: OnnxNode) -> None:
    inputs = [read.input(number) for number in range(4) if read.input(number)]
    if len(read.shape) == 4:
        read.apply("attention", inputs)
    else:
        read.other()


COMPUTE: dict[str, Reader] = {
    "Conv": _conv,
    "ConvTranspose": _conv,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Attention": _attention,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "InstanceNormalization": _group_norm,
    "GroupNormalization": _group_norm,
    "Relu": _activation("relu"),
    "LeakyRelu": _activation("leaky_relu"),
    "PRelu": _prelu,
    "HardSwish": _activation("hswish"),
    "HardSigmoid": _activation("hsigmoid"),
    "Sigmoid": _activation("sigmoid"),
    "Swish": _activation("silu"),
    "Gelu": _activation("gelu"),
    "Tanh": _activation("tanh"),
    "Elu": _activation("elu"),
    "Mish": _activation("mish"),
    "Softplus": _activation("softplus"),
    "Selu": _activation("selu"),
    "Clip": _clip,
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "MaxPool": _pool("max_pool"),
    "AveragePool": _pool("avg_pool"),
    "GlobalAveragePool": lambda read: _applied(read, "global_pool"),
    "GlobalMaxPool": _global_max,
    "Add": _two("add"),
    "Mul": _two("multiply"),
    "Sum": _several("add"),
    "Sub": _two("binary", kind="sub"),
    "Div": _two("binary", kind="div"),
    "Pow": _two("binary", kind="pow"),
    "Max": _several("binary", kind="max"),
    "Min": _several("binary", kind="min"),
    **{name: _unary(name.lower()) for name in (
        "Exp", "Log", "Sqrt", "Abs", "Neg", "Sin", "Cos", "Erf", "Reciprocal", "Floor",
    )},
    "Cast": _cast,
    "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"),
    "ReduceMax": _reduce("max"),
    "ReduceMin": _reduce("min"),
    "ReduceProd": _reduce("prod"),
    "ReduceL2": _reduce("l2"),
    "ArgMax": _reduce("argmax"),
    "ArgMin": _reduce("argmin"),
    "LSTM": _recurrent(4),
    "GRU": _recurrent(3),
    "RNN": _recurrent(1),
}  # fmt: skip
"""What reads each op that computes something."""
