"""How the operators of torch's ATen library that compute something become ops of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from archcost.networks import Value
from archcost.networks.graph import ACTIVATIONS
from archcost.reading.aten_moves import MOVES
from archcost.reading.trace import Trace, whole

Reader = Callable[[Trace, dict[str, Any], Any], None]
"""Takes the trace, the operator's arguments by name, and its result, a tensor or several."""


def _convolution(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, weight, bias = args["input"], args["weight"], args["bias"]
    n_axes = x.dim() - 2
    window = {
        "kernel": tuple(weight.shape[2:]),
        "stride": whole(args["stride"], n_axes),
        "padding": tuple((size, size) for size in whole(args["padding"], n_axes)),
        "dilation": whole(args["dilation"], n_axes),
        "groups": args["groups"],
    }
    if any(map(trace.is_known, (weight, bias))):  # as conditional convolutions have it
        taps = weight.numel() // weight.shape[0]
        macs = taps * (x if args["transposed"] else result).numel()
        trace.apply("dynamic_conv", [x, weight], result, macs=macs, groups=args["groups"])
        return
    attributes = {**window, "bias": bias is not None}
    if args["transposed"]:
        attributes["output_padding"] = whole(args["output_padding"], n_axes)
    op = "conv_transpose" if args["transposed"] else "conv"
    _weighted(trace, op, [x], result, (weight, bias), **attributes)


def _weighted(
    trace: Trace, op: str, inputs: Sequence[Any], result: Tensor, weights: Sequence[Any],
    **attributes: Any,
) -> None:  # fmt: skip
    """Append an op that is named after the first of its weights."""
    named = next((weight for weight in weights if weight is not None), None)
    name = "" if named is None else trace.name(named)
    value = trace.node(op, inputs, result, name=name, weights=weights, **attributes)
    trace.set(result, value)


def _linear(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, weight, bias = args["input"], args["weight"], args["bias"]
    if not any(map(trace.is_known, (weight, bias))):
        _weighted(trace, "linear", [x], result, (weight, bias), bias=bias is not None)
        return
    turned = trace.node(
        "transpose", [weight], weight, shape=(weight.shape[1], weight.shape[0]), axes=(1, 0)
    )
    product = trace.node("matmul", [x, turned], result)
    trace.set(result, product if bias is None else trace.node("add", [product, bias], result))


def _matmul(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, y = args.get("self"), args.get("other", args.get("mat2", args.get("vec2")))
    trace.set(result, _product(trace, x, y, None, result))


def _product(trace: Trace, x: Any, y: Any, bias: Any, result: Tensor) -> Value:
    """Append a product, as a linear layer if the second matrix is a weight."""
    if y.dim() == 2 and not trace.is_known(y) and not trace.is_known(bias):
        return trace.node(
            "linear", [x], result, name=trace.name(y), weights=(y, bias), bias=bias is not None
        )
    product = trace.node("matmul", [x, y], result)
    return product if bias is None else trace.node("add", [product, bias], result)


def _product_and_sum(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, y = (args[a] if a in args else args[b] for a, b in (("mat1", "batch1"), ("mat2", "batch2")))
    trace.set(result, _product(trace, x, y, args["self"], result))


def _attention(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    operands = [args["query"], args["key"], args["value"]]
    if args["attn_mask"] is not None:
        operands.append(args["attn_mask"])
    trace.apply("attention", operands, result)


def _batch_norm(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    weights = (args["weight"], args["bias"], args["running_mean"], args["running_var"])
    _weighted(trace, "batch_norm", [args["input"]], result, weights, epsilon=args["eps"])


def _layer_norm(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    weights = (args["weight"], args["bias"])
    attributes = {"epsilon": args["eps"], "axes": len(args["normalized_shape"])}
    affine = args["weight"] is not None
    _weighted(trace, "layer_norm", [args["input"]], result, weights, **attributes, affine=affine)


def _group_norm(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    weights = (args["weight"], args["bias"])
    groups = args.get("num_groups", args["input"].shape[1])  # an instance's has one a channel
    attributes = {"epsilon": args["eps"], "groups": groups, "affine": args["weight"] is not None}
    _weighted(trace, "group_norm", [args["input"]], result, weights, **attributes)


def _rms_norm(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    axes = len(args["normalized_shape"])
    _weighted(trace, "rms_norm", [args["input"]], result, (args["weight"],), axes=axes)


def _activation(kind: str) -> Reader:
    def read(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
        trace.apply("activation", [args["self"]], result, kind=kind)

    return read


def _prelu(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    slope = args["weight"]
    _weighted(
        trace, "activation", [args["self"]], result, (slope,), kind="prelu", params=slope.numel()
    )


def _clamp(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    bounds = tuple(args.get(a, args.get(b)) for a, b in (("min_val", "min"), ("max_val", "max")))
    if bounds == (0, 6):
        trace.apply("activation", [args["self"]], result, kind="relu6")
    elif any(isinstance(bound, Tensor) for bound in bounds):
        given = [bound for bound in bounds if bound is not None]
        trace.apply("clamp", [args["self"], *given], result)
    else:
        trace.apply("unary", [args["self"]], result, kind="clip")


def _softmax(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    trace.apply("softmax", [args["self"]], result, axis=args["dim"] % result.dim())


def _log_softmax(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    inner = trace.node("softmax", [args["self"]], result, axis=args["dim"] % result.dim())
    trace.apply("unary", [inner], result, kind="log")


def _pool(op: str) -> Reader:
    def read(trace: Trace, args: dict[str, Any], result: Any) -> None:
        x = args["self"]
        y = result[0] if isinstance(result, tuple) else result
        n_axes = x.dim() - 2
        kernel = whole(args["kernel_size"], n_axes)
        stride = whole(args["stride"] or args["kernel_size"], n_axes)
        dilation = whole(args.get("dilation", 1), n_axes)
        pads = whole(args["padding"], n_axes)
        # Where the last window reaches over the edge, what it lacks is padding.
        padding = tuple(
            (pad, max(pad, (out - 1) * s + d * (k - 1) + 1 - size - pad))
            for out, size, k, s, d, pad in zip(
                y.shape[2:], x.shape[2:], kernel, stride, dilation, pads, strict=True
            )
        )
        attributes: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding}
        if op == "avg_pool" and args["count_include_pad"] and any(map(any, padding)):
            attributes["count_include_pad"] = True
        trace.apply(op, [x], y, **attributes)
        if isinstance(result, tuple):
            trace.apply("max_pool_indices", [y], result[1])

    return read


def _adaptive_pool(op: str) -> Reader:
    def read(trace: Trace, args: dict[str, Any], result: Any) -> None:
        x = args["self"]
        y = result[0] if isinstance(result, tuple) else result
        sizes, wanted = tuple(x.shape[2:]), tuple(y.shape[2:])
        if wanted == sizes:
            trace.set(y, trace.value(x))
        elif op == "avg_pool" and set(wanted) == {1}:
            trace.apply("global_pool", [x], y)
        elif all(size % out == 0 for size, out in zip(sizes, wanted, strict=True)):
            kernel = tuple(size // out for size, out in zip(sizes, wanted, strict=True))
            padding = ((0, 0),) * len(sizes)
            trace.apply(op, [x], y, kernel=kernel, stride=kernel, padding=padding)
        else:
            trace.apply(f"adaptive_{op}", [x], y)

    return read


def _binary(op: str, **attributes: Any) -> Reader:
    def read(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
        operands = [args["self"], args.get("other", args.get("exponent"))]
        trace.apply(op, operands, result, **attributes)

    return read


def _unary(kind: str) -> Reader:
    def read(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
        trace.apply("unary", [args["self"]], result, kind=kind)

    return read


def _cast(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    if result.dtype == args["self"].dtype:
        trace.set(result, trace.value(args["self"]))
    else:
        trace.apply("unary", [args["self"]], result, kind="cast")


def _reduce(kind: str) -> Reader:
    def read(trace: Trace, args: dict[str, Any], result: Any) -> None:
        x = args["self"]
        if isinstance(args.get("other"), Tensor):  # `max` is two operators
            trace.apply("binary", [x, args["other"]], result, kind=kind)
            return
        y = result[0] if isinstance(result, tuple) else result
        dims = args.get("dim")
        dims = list(range(x.dim())) if dims is None or dims == [] else dims
        axes = sorted(
            int(d) % max(1, x.dim()) for d in (dims if isinstance(dims, Sequence) else [dims])
        )
        if kind == "mean" and x.dim() > 3 and axes == list(range(2, x.dim())):
            kept = (*x.shape[:2], *[1] * (x.dim() - 2))
            pooled = trace.node("global_pool", [x], y, shape=kept)
            same = tuple(y.shape) == kept
            trace.set(y, pooled if same else trace.node("reshape", [pooled], y))
        else:
            trace.apply("reduce", [x], y, kind=kind, axes=tuple(axes))
        if isinstance(result, tuple):
            trace.apply("reduce", [x], result[1], kind=f"arg{kind}", axes=tuple(axes))

    return read


def _recurrent(gates: int) -> Reader:
    """Return the reader of a recurrent network of so many gates: products of all its weights."""

    def read(trace: Trace, args: dict[str, Any], result: Any) -> None:
        x, weights = args["input"], args["params"]
        hidden = args["hx"] if isinstance(args["hx"], Sequence) else [args["hx"]]
        steps = x.shape[0] * x.shape[1]
        macs = steps * sum(weight.numel() for weight in weights if weight.dim() == 2)
        kind = {4: "lstm", 3: "gru", 1: "rnn"}[gates]
        known = [state for state in hidden if trace.is_known(state)]
        first = trace.node(
            "other", [x, *known], result[0], name=trace.name(weights[0], ".weight_ih_l0"),
            weights=weights, kind=kind, macs=macs,
        )  # fmt: skip
        trace.set(result[0], first)
        for state in result[1:]:
            trace.apply(f"{kind}_state", [first], state)

    return read


def _bilinear(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    """Read a bilinear form: a product with a weight of three axes."""
    x, y, weight, bias = (args[n] for n in ("input1", "input2", "weight", "bias"))
    macs = result.numel() // result.shape[-1] * weight.numel()
    _weighted(trace, "other", [x, y], result, (weight, bias), kind="bilinear", macs=macs)


READERS: dict[str, Reader] = {
    **MOVES,
    "convolution": _convolution,
    "linear": _linear,
    "matmul": _matmul,
    "mm": _matmul,
    "bmm": _matmul,
    "addmm": _product_and_sum,
    "baddbmm": _product_and_sum,
    "bilinear": _bilinear,
    "scaled_dot_product_attention": _attention,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "instance_norm": _group_norm,
    "rms_norm": _rms_norm,
    **{kind: _activation(kind) for kind in ACTIVATIONS if kind not in ("prelu", "relu6")},
    "relu6": _activation("relu6"),
    "hardswish": _activation("hswish"),
    "hardsigmoid": _activation("hsigmoid"),
    "prelu": _prelu,
    "hardtanh": _clamp,
    "clamp": _clamp,
    "clip": _clamp,
    "softmax": _softmax,
    "_softmax": _softmax,
    "log_softmax": _log_softmax,
    **{f"max_pool{n}d": _pool("max_pool") for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": _pool("max_pool") for n in (1, 2, 3)},
    **{f"avg_pool{n}d": _pool("avg_pool") for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": _adaptive_pool("avg_pool") for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": _adaptive_pool("max_pool") for n in (1, 2, 3)},
    "add": _binary("add"),
    "mul": _binary("multiply"),
    "multiply": _binary("multiply"),
    "sub": _binary("binary", kind="sub"),
    "rsub": _binary("binary", kind="sub"),
    "div": _binary("binary", kind="div"),
    "divide": _binary("binary", kind="div"),
    "true_divide": _binary("binary", kind="div"),
    "pow": _binary("binary", kind="pow"),
    "maximum": _binary("binary", kind="max"),
    "minimum": _binary("binary", kind="min"),
    **{
        name: _unary(name)
        for name in ("exp", "log", "sqrt", "abs", "neg", "sin", "cos", "erf", "reciprocal", "floor")
    },
    "rsqrt": _unary("rsqrt"),
    "clamp_min": _unary("clip"),
    "clamp_max": _unary("clip"),
    "to": _cast,
    "_to_copy": _cast,
    "mean": _reduce("mean"),
    "sum": _reduce("sum"),
    "amax": _reduce("max"),
    "amin": _reduce("min"),
    "max": _reduce("max"),
    "min": _reduce("min"),
    "prod": _reduce("prod"),
    "norm": _reduce("l2"),
    "linalg_vector_norm": _reduce("l2"),
    "argmax": _reduce("argmax"),
    "argmin": _reduce("argmin"),
    "lstm": _recurrent(4),
    "gru": _recurrent(3),
    "rnn_tanh": _recurrent(1),
    "rnn_relu": _recurrent(1),
}
"""What reads each operator; one that writes in place is read as the one that does not."""
