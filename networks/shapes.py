"""Shapes of the results of ops, and what is wrong where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from archcost.errors import ArchcostError
from archcost.networks.graph import Shape

PerAxis = int | Sequence[int]
"""One number for all spatial axes, or one an axis."""

Padding = int | Sequence[int | Sequence[int]]
"""One number for all sides, one an axis, or two an axis: before and after."""


def per_axis(value: PerAxis, n_axes: int) -> Shape:
    """Return a number for each of the axes."""
    if not isinstance(value, Sequence):
        return (int(value),) * n_axes
    if len(value) != n_axes:
        raise ArchcostError(f"there must be a number for each of {n_axes} axes, but got {value}")
    return tuple([int(number) for number in value])


def both_sides(padding: Padding, n_axes: int) -> tuple[tuple[int, int], ...]:
    """Return the padding before and after each of the axes."""
    if not isinstance(padding, Sequence):
        return ((int(padding), int(padding)),) * n_axes
    if len(padding) != n_axes:
        raise ArchcostError(f"there must be padding for each of {n_axes} axes, but got {padding}")
    pairs = [side if isinstance(side, Sequence) else (side, side) for side in padding]
    return tuple([(int(before), int(after)) for before, after in pairs])


@lru_cache(maxsize=4096)
def sliding_window(
    sizes: Shape, kernel: PerAxis, stride: PerAxis, padding: Padding | None,
    dilation: PerAxis | None = None,
) -> tuple[dict[str, Any], Shape]:  # fmt: skip
    """Return the attributes of a window that slides, and the resolution after it."""
    n_axes = len(sizes)
    kernels, strides = per_axis(kernel, n_axes), per_axis(stride, n_axes)
    dilations = per_axis(1 if dilation is None else dilation, n_axes)
    if padding is None:
        padding = tuple([d * (k - 1) // 2 for k, d in zip(kernels, dilations, strict=True)])
    pads = both_sides(padding, n_axes)
    if min(kernels) < 1 or min(strides) < 1 or min(dilations) < 1 or min(map(min, pads)) < 0:
        raise ArchcostError(
            "kernel, stride and dilation must be 1 or more and padding 0 or more, but got "
            f"{kernels}, {strides}, {dilations} and {pads}"
        )
    found = [
        (size + before + after - d * (k - 1) - 1) // s + 1
        for size, k, s, d, (before, after) in zip(
            sizes, kernels, strides, dilations, pads, strict=True
        )
    ]
    if min(found) < 1:
        raise ArchcostError(
            f"a window must fit into its input, but one of {kernels} slides over {sizes} with the "
            f"padding {pads}; use a smaller kernel or stride, or a larger resolution"
        )
    attributes: dict[str, Any] = {"kernel": kernels, "stride": strides, "padding": pads}
    return attributes | ({} if dilation is None else {"dilation": dilations}), tuple(found)


def hashable(value: Any) -> Any:
    """Return a number or nested sequences of numbers as something hashable."""
    return tuple(map(hashable, value)) if isinstance(value, list | tuple) else value


def broadcast(one: Shape, other: Shape, op: str) -> Shape:
    """Return the shape of what combines two tensors element by element."""
    length = max(len(one), len(other))
    longer = [(1,) * (length - len(shape)) + shape for shape in (one, other)]
    if any(a != b and 1 not in (a, b) for a, b in zip(*longer, strict=True)):
        raise ArchcostError(
            f"shapes of {op} must be equal, or 1 where they are not, but got {one} and {other}"
        )
    return tuple([max(a, b) for a, b in zip(*longer, strict=True)])
