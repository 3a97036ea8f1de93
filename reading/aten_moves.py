"""How the operators of torch's ATen library that move or rename elements become ops of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from archcost.networks import Value
from archcost.reading.trace import Trace, is_same_memory

Reader = Callable[[Trace, dict[str, Any], Any], None]


def _same(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    trace.set(result, trace.value(args.get("self", args.get("input"))))


def _reshape(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x = args["self"]
    if tuple(x.shape) == tuple(result.shape):
        _same(trace, args, result)
    else:
        trace.apply("reshape", [x], result)


def _expand(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    if args["self"].numel() == result.numel():
        _reshape(trace, args, result)
    else:
        trace.apply("expand", [args["self"]], result)


def _permute(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x = args["self"]
    axes = list(range(x.dim()))
    if "dims" in args:
        axes = [int(dim) % x.dim() for dim in args["dims"]]
    elif "source" in args:
        given = args["source"], args["destination"]
        source, target = ([i % x.dim() for i in _listed(ends)] for ends in given)
        rest = iter([axis for axis in axes if axis not in source])
        to = dict(zip(target, source, strict=True))
        axes = [to[axis] if axis in to else next(rest) for axis in axes]
    else:
        one, other = (
            args.get("dim0", args.get("axis0", -2)),
            args.get("dim1", args.get("axis1", -1)),
        )
        if x.dim() > 1:
            axes[one], axes[other] = axes[other], axes[one]
    if axes == sorted(axes):
        _same(trace, args, result)
    else:
        trace.apply("transpose", [x], result, axes=tuple(axes))


def _listed(value: Any) -> list[int]:
    return [int(v) for v in value] if isinstance(value, Sequence) else [int(value)]


def _part(
    trace: Trace, x: Any, axis: int, start: int, shape: Sequence[int], like: Tensor, step: int = 1
) -> Value:
    """Append a part of a tensor along an axis, unless it is the whole."""
    if tuple(x.shape) == tuple(shape) and step == 1:
        return x if isinstance(x, Value) else trace.value(x)
    attributes: dict[str, Any] = {"axis": axis, "start": start}
    if step != 1:
        attributes["step"] = step
    return trace.node("split", [x], like, shape=shape, **attributes)


def _slice(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, axis = args["self"], args["dim"] % args["self"].dim()
    start = args.get("start") or 0
    start = max(0, start + x.shape[axis] if start < 0 else start)
    step = args.get("step", 1)
    trace.set(result, _part(trace, x, axis, start, result.shape, result, step))


def _select(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, axis = args["self"], args["dim"] % args["self"].dim()
    shape = [*x.shape[:axis], 1, *x.shape[axis + 1 :]]
    part = _part(trace, x, axis, args["index"] % x.shape[axis], shape, result)
    trace.set(result, trace.node("reshape", [part], result))


def _split(trace: Trace, args: dict[str, Any], result: Sequence[Tensor]) -> None:
    x, start = args["self"], 0
    axis = args["dim"] % x.dim()
    for part in result:
        if part.dim() < x.dim():  # unbound: the axis is gone
            shape = [*x.shape[:axis], 1, *x.shape[axis + 1 :]]
            value = _part(trace, x, axis, start, shape, part)
            trace.set(part, trace.node("reshape", [value], part))
            start += 1
        else:
            trace.set(part, _part(trace, x, axis, start, part.shape, part))
            start += part.shape[axis]


def _concat(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    tensors = [t for t in args["tensors"] if t.dim() == result.dim()]  # torch allows empty ones
    if len(tensors) == 1:
        trace.set(result, trace.value(tensors[0]))
        return
    axis = args.get("dim", args.get("axis", 0)) % result.dim()
    trace.apply("concat", tensors, result, axis=axis)


def _stack(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    axis = args["dim"] % result.dim()
    shape = [*result.shape[:axis], 1, *result.shape[axis + 1 :]]
    parts = [trace.node("reshape", [t], result, shape=shape) for t in args["tensors"]]
    trace.apply("concat", parts, result, axis=axis)


def _pad(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, pads = args["self"], [int(pad) for pad in args["pad" if "pad" in args else "padding"]]
    if not any(pads):
        _same(trace, args, result)
        return
    if min(pads) < 0:
        trace.apply("crop_and_pad", [x], result)
        return
    pairs = list(zip(pads[::2], pads[1::2], strict=True))[::-1]
    pairs = [(0, 0)] * (x.dim() - 2 - len(pairs)) + pairs
    trace.apply("pad", [x], result, padding=tuple(pairs))


def _resize(mode: str) -> Reader:
    def read(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
        x = args["self" if "self" in args else "input"]
        if tuple(x.shape) == tuple(result.shape):
            trace.set(result, trace.value(x))
        else:
            trace.apply("resize", [x], result, mode=mode)

    return read


def _gather(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    table = args["weight" if "weight" in args else "self"]
    indices = args.get("indices", args.get("index"))
    axis = 0 if "weight" in args else args["dim"] % table.dim()
    trace.apply("gather", [table, indices], result, axis=axis)


def _index(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, indices = args["self"], args["indices"]
    given = [(axis, index) for axis, index in enumerate(indices) if index is not None]
    if len(given) == 1 and str(given[0][1].dtype) != "torch.bool":
        trace.apply("gather", [x, given[0][1]], result, axis=given[0][0])
    else:
        trace.apply("index", [x, *[index for _, index in given]], result)


def _roll(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    """Read what shifts elements around as its two parts, exchanged."""
    x: Any = args["self"]
    value = trace.value(x)
    for shift, dim in zip(args["shifts"], args["dims"], strict=True):
        axis, shape = dim % result.dim(), list(value.shape)
        shift %= shape[axis]
        if not shift:
            continue
        first, rest = list(shape), list(shape)
        first[axis], rest[axis] = shift, shape[axis] - shift
        parts = (
            _part(trace, value, axis, rest[axis], first, result),
            _part(trace, value, axis, 0, rest, result),
        )
        value = trace.node("concat", parts, result, axis=axis)
    trace.set(result, value)


def _pixel_shuffle(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, r = args["self"], args["upscale_factor"]
    n, c, h, w = x.shape
    shape = (n, c // r**2, r, r, h, w)
    value = trace.node("reshape", [x], result, shape=shape)
    axes = (0, 1, 4, 2, 5, 3)
    value = trace.node("transpose", [value], result, shape=[shape[a] for a in axes], axes=axes)
    trace.apply("reshape", [value], result)


def _pixel_unshuffle(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, r = args["self"], args["downscale_factor"]
    n, c, h, w = x.shape
    shape = (n, c, h // r, r, w // r, r)
    value = trace.node("reshape", [x], result, shape=shape)
    axes = (0, 1, 3, 5, 2, 4)
    value = trace.node("transpose", [value], result, shape=[shape[a] for a in axes], axes=axes)
    trace.apply("reshape", [value], result)


def _channel_shuffle(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    trace.apply("channel_shuffle", [args["self"]], result, groups=args["groups"])


def _copy(trace: Trace, args: dict[str, Any], result: Tensor) -> None:
    x, y = args["self"], args["src"]
    is_same = x.shape == y.shape and x.storage_offset() == y.storage_offset()
    if is_same and is_same_memory(x, y):  # what `x[...] += y` does after it has added
        trace.set(result, trace.value(x if trace.is_known(x) else y))
        return
    source = trace.value(y)
    if source.shape == tuple(result.shape):
        trace.set(result, source)
    else:
        trace.apply("expand", [source], result)


MOVES: dict[str, Reader] = {
    **dict.fromkeys(
        ("clone", "contiguous", "detach", "alias", "dropout", "feature_dropout", "alpha_dropout",
         "feature_alpha_dropout", "lift_fresh", "lift_fresh_copy", "positive", "type_as"), _same
    ),
    **dict.fromkeys(
        ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view",
         "view_as", "reshape_as", "_reshape_alias", "unsafe_view"), _reshape
    ),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to", "expand_copy"), _expand),
    **dict.fromkeys(
        ("permute", "transpose", "t", "movedim", "moveaxis", "swapaxes", "swapdims", "mT",
         "adjoint"), _permute
    ),
    "copy": _copy,
    "slice": _slice,
    "narrow": _slice,
    "select": _select,
    **dict.fromkeys(
        ("chunk", "split", "split_with_sizes", "unsafe_chunk", "unsafe_split", "tensor_split",
         "unsafe_split_with_sizes", "unbind"), _split
    ),
    **dict.fromkeys(("cat", "concat", "concatenate"), _concat),
    "stack": _stack,
    **dict.fromkeys(
        ("constant_pad_nd", *[f"{kind}_pad{n}d" for n in (1, 2, 3)
         for kind in ("reflection", "replication")]), _pad
    ),
    **dict.fromkeys(
        ("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d",
         "_upsample_nearest_exact1d", "_upsample_nearest_exact2d"), _resize("nearest")
    ),
    **dict.fromkeys(
        ("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"), _resize("bilinear")
    ),
    "_upsample_bilinear2d_aa": _resize("bilinear_antialias"),
    "upsample_bicubic2d": _resize("bicubic"),
    "_upsample_bicubic2d_aa": _resize("bicubic_antialias"),
    "embedding": _gather,
    "index_select": _gather,
    "index": _index,
    "roll": _roll,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "channel_shuffle": _channel_shuffle,
    "native_channel_shuffle": _channel_shuffle,
}  # fmt: skip
"""What reads each operator."""
