"""Layers as ZigZag sees them: a nest of loops with sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archcost.networks.layers import Layer
from archcost.simulating.simulator import NotCompilableError
from archcost.simulating.zigzag_description import ZigZagDescription

TEXT = "{kind} {c_in}x{h_in}x{w_in} to {c_out}x{h_out}x{w_out} k{kernel} s{stride} g{groups}"
"""Kernel and stride are those of both axes, or like ``3x1`` those of height and width."""

PATTERN = re.compile(
    r"(?P<kind>\w+) (?P<c_in>\d+)x(?P<h_in>\d+)x(?P<w_in>\d+) to "
    r"(?P<c_out>\d+)x(?P<h_out>\d+)x(?P<w_out>\d+) "
    r"k(?P<kernel>\d+)(x(?P<kernel_w>\d+))? s(?P<stride>\d+)(x(?P<stride_w>\d+))? "
    r"g(?P<groups>\d+)"
)
ADDED_TENSORS = 2

SUMS = frozenset({"conv", "linear", "pool", "global_pool", "add", "multiply"})
"""Kinds of layers that are loops over sums; a product of two tensors takes the time of a sum."""

NO_LOOPS = frozenset({"matmul", "attention", "conv_transpose", "other"})
"""Kinds of layers that compute sums of products for which no loops are written here."""


@dataclass(frozen=True, slots=True)
class LoopNest:
    """A sum of products ``O[g][k][oy][ox] += W[g][k][c][fy][fx] * I[g][c][iy][ix]``.

    Parameters
    ----------
    sizes : mapping of str to int
        Iterations of the loops G, K, C, OY, OX, FY and FX.
    stride : int
        Of the windows: ``iy = stride * oy + fy``.
    height, width : int
        Of the input, without its border of zeros.
    """

    sizes: dict[str, int]
    stride: int
    height: int
    width: int

    @property
    def is_depthwise(self) -> bool:
        """Whether no sum runs over channels that others need as well."""
        return self.sizes["G"] > 1 and self.sizes["K"] == 1

    def border(self, axis: str) -> tuple[int, int]:
        """Return how many zeros stand before and after the input along ``"Y"`` or ``"X"``."""
        reach = (self.sizes[f"O{axis}"] - 1) * self.stride + self.sizes[f"F{axis}"]
        zeros = max(0, reach - (self.height if axis == "Y" else self.width))
        return zeros // 2, zeros - zeros // 2


def layer_text(layer: Layer) -> str:
    """Return the shape of a layer as one line; layers of equal shape have the same.

    Examples
    --------
    >>> from archcost.spaces.spaces import get_space
    >>> layer_text(get_space("nasbench201").layers(0)[0])
    'conv 3x32x32 to 16x32x32 k3 s1 g1'
    """
    values = {name: str(getattr(layer, name)) for name in PATTERN.groupindex}
    for name in ("kernel", "stride"):
        if values[name] != values[f"{name}_w"]:
            values[name] += f"x{values[f'{name}_w']}"
    return TEXT.format(**values)


def loop_nest(text: str, description: ZigZagDescription) -> LoopNest | None:
    """Return the loops of the layer that a line describes, or None if it costs nothing.

    Average pooling is a sum over windows of each channel: a depthwise convolution, or a dense one
    whose weights are zero between channels. An addition is a depthwise sum over two tensors, and so
    is a product. Which of these an accelerator does, its description says. Normalisation, softmax
    and what only moves data happen as results are written and cost nothing.

    Parameters
    ----------
    text : str
        As ``layer_text`` writes it.
    description : ZigZagDescription
        Of the accelerator.

    Raises
    ------
    NotCompilableError
        If no loops are written for layers of that kind.
    """
    match = PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"a part must read like {TEXT!r}, but is {text!r}")
    kind = match["kind"]
    if kind in NO_LOOPS:
        raise NotCompilableError(f"a layer must be one of {sorted(SUMS)}, but is {kind!r}")
    if kind not in SUMS:
        return None
    found = match.groupdict()
    for name in ("kernel", "stride"):
        found[f"{name}_w"] = found[f"{name}_w"] or found[name]
    number = {name: int(value) for name, value in found.items() if name != "kind"}
    c_in, c_out, height, width = (number[name] for name in ("c_in", "c_out", "h_in", "w_in"))
    executed = {
        "pool": description.average_pooling,
        "global_pool": description.global_pooling,
        "add": description.additions,
        "multiply": description.additions,
    }.get(kind)
    if executed == "free":
        return None
    if number["stride"] != number["stride_w"] and number["w_out"] > 1:
        raise NotCompilableError(f"a layer must have one stride for both axes, but reads {text!r}")
    filter_height, filter_width = number["kernel"], number["kernel_w"]
    groups = number["groups"]
    if kind == "global_pool":
        filter_height, filter_width = height, width
    if executed == "depthwise":
        groups = c_out
    if kind in ("add", "multiply"):
        c_in *= ADDED_TENSORS
    sizes = {
        "G": groups,
        "K": c_out // groups,
        "C": c_in // groups,
        "OY": number["h_out"],
        "OX": number["w_out"],
        "FY": filter_height,
        "FX": filter_width,
    }
    return LoopNest(sizes, number["stride"], height, width)
