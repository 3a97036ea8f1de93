"""How the ops of ONNX that move or rename elements become ops of a graph."""

from __future__ import annotations

from math import prod

from archcost.errors import ArchcostError
from archcost.networks import Value
from archcost.reading.onnx_ops import COMPUTE, OnnxNode, Reader


def _same(read: OnnxNode) -> None:
    read.same()


def _reshape(read: OnnxNode) -> None:
    if prod(read.shape) != prod(read.result_shape):
        raise ArchcostError(
            f"shapes must fit, but {read.node.op_type} {read.node.name!r} of "
            f"{read.tensors.source} makes {read.result_shape} of {read.shape}; check shape and "
            "batch size against those that the file was exported for"
        )
    if read.shape == read.result_shape:
        read.same()
    else:
        read.apply("reshape", [read.x])


def _expand(read: OnnxNode) -> None:
    if read.shape == read.result_shape:
        read.same()
    else:
        read.apply("expand", [read.x])


def _transpose(read: OnnxNode) -> None:
    axes = tuple(read.attributes.get("perm", range(len(read.shape))[::-1]))
    if axes == tuple(sorted(axes)):
        read.same()
    else:
        read.apply("transpose", [read.x], axes=axes)


def _concat(read: OnnxNode) -> None:
    axis = read.attributes["axis"] % len(read.result_shape)
    if len(read.node.input) == 1:
        read.same()
    else:
        read.apply("concat", list(read.node.input), axis=axis)


def _split(read: OnnxNode) -> None:
    axis, start = read.attributes.get("axis", 0) % len(read.shape), 0
    for name in read.node.output:
        shape = read.tensors.shape(name)
        read.tensors.apply("split", [read.x], name, axis=axis, start=start)
        start += shape[axis]


def _slice(read: OnnxNode) -> None:
    """Read a slice of several axes as one after the other."""
    n_axes, ints = len(read.shape), read.tensors.ints
    starts = read.attributes.get("starts") or ints(read.input(1))
    axes = read.attributes.get("axes") or (ints(read.input(3)) if read.input(3) else None)
    steps = ints(read.input(4)) if read.input(4) else None
    if starts is None or (read.input(3) and axes is None) or (read.input(4) and steps is None):
        read.other()
        return
    axes = list(range(len(starts))) if axes is None else [axis % n_axes for axis in axes]
    steps = [1] * len(axes) if steps is None else steps
    value: Value | str = read.x
    shape = list(read.shape)
    for axis, start, step in zip(axes, starts, steps, strict=True):
        size = read.result_shape[axis]
        if size == shape[axis] and step == 1:
            continue
        start = max(0, start + shape[axis]) if start < 0 else min(start, shape[axis])
        shape[axis] = size
        more = {"step": step} if step != 1 else {}
        value = read.step("split", [value], tuple(shape), axis=axis, start=start, **more)
    read.give(value if isinstance(value, Value) else read.tensors.value(value))


def _gather(read: OnnxNode) -> None:
    axis, index = read.attributes.get("axis", 0) % len(read.shape), read.input(1)
    place = read.tensors.constant(index)
    if place is not None and not read.tensors.shape(index) and read.tensors.is_known(read.x):
        size = read.shape[axis]
        shape = (*read.shape[:axis], 1, *read.shape[axis + 1 :])
        value: Value | str = read.x
        if size > 1:
            value = read.step("split", [value], shape, axis=axis, start=int(place) % size)
        read.apply("reshape", [value])
        return
    read.apply("gather", [read.x, index], axis=axis)


def _pad(read: OnnxNode) -> None:
    pads = read.attributes.get("pads") or read.tensors.ints(read.input(1))
    axes = read.tensors.ints(read.input(3)) if read.input(3) else None
    if pads is None or min(pads, default=0) < 0:
        read.other()
        return
    n_axes = len(read.shape)
    padding = [(0, 0)] * n_axes
    half = len(pads) // 2
    for number, axis in enumerate(range(n_axes) if axes is None else axes):
        padding[axis] = (pads[number], pads[number + half])
    if not any(map(any, padding)):
        read.same()
        return
    kept = padding[2:] if n_axes > 2 and not any(map(any, padding[:2])) else padding
    read.apply("pad", [read.x], padding=tuple(kept))


def _resize(read: OnnxNode) -> None:
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}[
        read.attributes.get("mode", "nearest")
    ]
    if read.attributes.get("antialias"):
        mode += "_antialias"
    if read.shape == read.result_shape:
        read.same()
    else:
        read.apply("resize", [read.x], mode=mode)


def _depth_to_space(read: OnnxNode) -> None:
    n, c, h, w = read.shape
    r = read.attributes["blocksize"]
    if read.node.op_type == "SpaceToDepth":
        shape, axes = (n, c, h // r, r, w // r, r), (0, 3, 5, 1, 2, 4)
    elif read.attributes.get("mode", "DCR") == "CRD":
        shape, axes = (n, c // r**2, r, r, h, w), (0, 1, 4, 2, 5, 3)
    else:
        shape, axes = (n, r, r, c // r**2, h, w), (0, 3, 4, 1, 5, 2)
    value = read.step("reshape", [read.x], shape)
    value = read.step("transpose", [value], [shape[a] for a in axes], axes=axes)
    read.apply("reshape", [value])


READERS: dict[str, Reader] = {
    **COMPUTE,
    **dict.fromkeys(("Identity", "Dropout"), _same),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshape),
    "Expand": _expand,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _depth_to_space,
}
"""What reads each op; one that is not here becomes ``other``."""
