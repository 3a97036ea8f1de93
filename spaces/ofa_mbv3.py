"""Once-for-all's MobileNetV3 search space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archcost.errors import ArchitectureError, shown
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.spaces.config_dicts import check_entries, chosen, listed, single
from archcost.spaces.dataset import Dataset
from archcost.spaces.op_checks import Ops
from archcost.spaces.space import SearchSpace

KERNELS, EXPANSIONS, DEPTHS, WIDTHS = (3, 5, 7), (3, 4, 6), (2, 3, 4), (1.0, 1.2)
RESOLUTIONS = tuple(range(128, 228, 4))
LARGEST = RESOLUTIONS[-1]
UNITS, MAX_DEPTH, MIN_DEPTH = 5, 4, 2
ABSENT = "absent"
BLOCKS = tuple(f"k{kernel}_e{expansion}" for kernel in KERNELS for expansion in EXPANSIONS)

STEM_WIDTH, FINAL_WIDTH, HEAD_WIDTH = 16, 960, 1280
UNIT_WIDTHS = (24, 40, 80, 112, 160)
UNIT_STRIDES = (2, 2, 2, 1, 2)
UNIT_ACTIVATIONS = ("relu", "relu", "hswish", "hswish", "hswish")
UNIT_SQUEEZES = (False, True, False, True, True)
SQUEEZE_RATIO = 4


def _slots() -> dict[str, tuple[str, ...]]:
    slots = {"resolution": tuple(f"r{side}" for side in RESOLUTIONS), "width": ("w1.0", "w1.2")}
    for unit in range(1, UNITS + 1):
        for block in range(1, MAX_DEPTH + 1):
            may_be_absent = (ABSENT,) if block > MIN_DEPTH else ()
            slots[f"unit{unit}_block{block}"] = (*BLOCKS, *may_be_absent)
    return slots


class OFAMobileNetV3(SearchSpace):
    """Once-for-all's MobileNetV3: 5 units of 2 to 4 blocks, at 25 resolutions and two widths.

    A block is an inverted residual with kernel 3, 5 or 7 and expansion 3, 4 or 6. Units 2, 4 and 5
    squeeze and excite; units 3 to 5 have the activation h-swish, 1 and 2 ReLU. The string form
    reads ``r224:w1.0:k3_e4,k5_e6:...``, the blocks of a unit joined by commas. On a dataset of your
    own r224 stands for its whole height and width, and smaller resolutions for as much less.

    References
    ----------
    H. Cai, C. Gan, T. Wang, Z. Zhang, S. Han, "Once-for-All: Train One Network and Specialize it
    for Efficient Deployment", ICLR 2020.

    Examples
    --------
    >>> space = OFAMobileNetV3()
    >>> config = {"ks": [3] * 20, "e": [4] * 20, "d": [2, 2, 3, 2, 4], "r": [160]}
    >>> space.format(config)
    'r160:w1.0:k3_e4,k3_e4:k3_e4,k3_e4:k3_e4,k3_e4,k3_e4:k3_e4,k3_e4:k3_e4,k3_e4,k3_e4,k3_e4'
    """

    name = "ofa_mbv3"
    slots = _slots()
    datasets = (Dataset("ImageNet", (3, 224, 224), 1000),)
    starts_with = ("r1", "r2")

    def split(self, text: str) -> list[str]:
        """Split ``r224:w1.0:k3_e4,k5_e6:...`` into resolution, width and 20 blocks."""
        parts = text.split(":")
        if len(parts) != 2 + UNITS:
            raise ArchitectureError(
                f"a string of {self.name} must read like 'r224:w1.0:k3_e4,k5_e6:...' (resolution, "
                f"width, {UNITS} units of {MIN_DEPTH} to {MAX_DEPTH} blocks), but {shown(text)} "
                f"has {len(parts)} parts"
            )
        names = parts[:2]
        for number, unit in enumerate(parts[2:], start=1):
            blocks = unit.split(",")
            if not MIN_DEPTH <= len(blocks) <= MAX_DEPTH:
                raise ArchitectureError(
                    f"a unit of {self.name} must have {MIN_DEPTH} to {MAX_DEPTH} blocks, but unit "
                    f"{number} of {shown(text)} has {len(blocks)}"
                )
            names += blocks + [ABSENT] * (MAX_DEPTH - len(blocks))
        return names

    def join(self, names: Sequence[str]) -> str:
        """Join resolution, width and 20 blocks; absent blocks are left out."""
        units = [
            ",".join(name for name in names[start : start + MAX_DEPTH] if name != ABSENT)
            for start in range(2, len(names), MAX_DEPTH)
        ]
        return ":".join([*names[:2], *units])

    def violation(self, ops: Ops) -> str | None:
        """Refuse a block after an absent one."""
        absent = self.op_names.index(ABSENT)
        for unit in range(1, UNITS + 1):
            third, fourth = ops[1 + MAX_DEPTH * unit - 1 : 1 + MAX_DEPTH * unit + 1]
            if third == absent != fourth:
                return (
                    f"have no block after an absent one, but block 4 of unit {unit} is "
                    f"{self.op_names[fourth]!r} and block 3 is absent; make block 4 absent too"
                )
        return None

    def valid(self, ops: Ops) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which combinations have no block after an absent one, all at once."""
        absent = np.asarray(ops)[:, 2:].reshape(-1, UNITS, MAX_DEPTH) == self.op_names.index(ABSENT)
        return ~(absent[:, :, 2] & ~absent[:, :, 3]).any(axis=1)

    def from_config(self, config: Mapping[str, Any]) -> list[str]:
        """Return the architecture of once-for-all's dict of ``ks``, ``e``, ``d`` and ``r``.

        Parameters
        ----------
        config : mapping
            ``d``: blocks in each unit; ``ks`` and ``e``: kernel and expansion of 20 blocks, those
            of absent ones ignored (once-for-all pads them with 0 or leaves them as they were);
            ``r``: the resolution, a number or a list of one; ``wid`` or ``w``: 1.0 (the default)
            or 1.2.
        """
        check_entries(self, config, ("ks", "e", "d", "r"), ("w", "wid"))
        depths = listed(self, "d", config["d"], UNITS)
        kernels = listed(self, "ks", config["ks"], UNITS * MAX_DEPTH)
        expansions = listed(self, "e", config["e"], UNITS * MAX_DEPTH)
        for depth in depths:
            chosen(self, "a depth", depth, DEPTHS)
        side = chosen(self, "a resolution", single(self, "r", config["r"]), RESOLUTIONS)
        widths = {
            key: chosen(self, "a width", single(self, key, config[key]), WIDTHS)
            for key in ("w", "wid")
            if config.get(key) is not None
        }
        if len(set(widths.values())) > 1:
            raise ArchitectureError(
                f"'w' and 'wid' of a config of {self.name} must be the same width, but got "
                f"{shown(config['w'])} and {shown(config['wid'])}; leave one out"
            )
        width = next(iter(widths.values()), WIDTHS[0])
        names = [f"r{side}", f"w{width}"]
        for place, (kernel, expansion) in enumerate(zip(kernels, expansions, strict=True)):
            if place % MAX_DEPTH >= depths[place // MAX_DEPTH]:
                names.append(ABSENT)
            else:
                kernel = chosen(self, "a kernel", kernel, KERNELS)
                expansion = chosen(self, "an expansion", expansion, EXPANSIONS)
                names.append(f"k{kernel}_e{expansion}")
        return names

    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write stem, first block, the units' blocks, final expansion and classifier."""
        names = [self.op_names[op] for op in ops]
        side, scale = int(names[0][1:]), float(names[1][1:])
        stem = _divisible(STEM_WIDTH * scale)
        with builder.at(part="stem"):
            x = builder.input(chosen_input(dataset, side))
            x = _conv_norm(builder, x, stem, 3, "first_conv", stride=2, activation="hswish")
            x = _block(builder, x, stem, "blocks.0", 3, 1, 1, "relu", squeeze=False)
        for place, name in enumerate(names[2:]):
            unit, number = divmod(place, MAX_DEPTH)
            if name == ABSENT:
                continue
            kernel, expansion = (int(part[1:]) for part in name.split("_"))
            with builder.at(place + 2, stage=unit + 1):
                x = _block(
                    builder,
                    x,
                    _divisible(UNIT_WIDTHS[unit] * scale),
                    f"blocks.{place + 1}",
                    kernel,
                    expansion,
                    1 if number else UNIT_STRIDES[unit],
                    UNIT_ACTIVATIONS[unit],
                    squeeze=UNIT_SQUEEZES[unit],
                )
        with builder.at(part="head", stage=UNITS + 1):
            final, head = _divisible(FINAL_WIDTH * scale), _divisible(HEAD_WIDTH * scale)
            x = _conv_norm(builder, x, final, 1, "final_expand_layer", activation="hswish")
            x = builder.conv(builder.global_pool(x), head, 1, name="feature_mix_layer.0")
            x = builder.flatten(builder.activation(x, "hswish"))
            return builder.linear(x, dataset.n_classes, name="classifier")


def chosen_input(dataset: Dataset, side: int) -> tuple[int, int, int]:
    """Return the input at a resolution: `side` of ImageNet's 224, in proportion elsewhere."""
    channels, *sides = dataset.input_shape
    height, width = (max(1, round(full * side / LARGEST)) for full in sides)
    return channels, height, width


def _divisible(width: float, by: int = 8) -> int:
    """Return the multiple of `by` that is near, and no more than a tenth below."""
    near = max(by, int(width + by / 2) // by * by)
    return near + by if near < 0.9 * width else near


def _conv_norm(
    builder: GraphBuilder, x: Value, width: int, kernel: int, name: str, *,
    stride: int = 1, groups: int = 1, activation: str | None = None,
) -> Value:  # fmt: skip
    x = builder.conv(x, width, kernel, stride=stride, groups=groups, name=f"{name}.0")
    x = builder.batch_norm(x, name=f"{name}.1")
    return x if activation is None else builder.activation(x, activation)


def _block(
    builder: GraphBuilder, x: Value, width: int, name: str,
    kernel: int, expansion: int, stride: int, activation: str, *, squeeze: bool,
) -> Value:  # fmt: skip
    """Write an inverted residual: expansion, depthwise convolution, squeeze, projection."""
    y, middle = x, _divisible(x.channels * expansion)
    if expansion > 1:
        y = _conv_norm(builder, y, middle, 1, f"{name}.expand", activation=activation)
    y = _conv_norm(
        builder, y, middle, kernel, f"{name}.depthwise",
        stride=stride, groups=middle, activation=activation,
    )  # fmt: skip
    if squeeze:
        z = builder.global_pool(y)
        reduced = _divisible(middle // SQUEEZE_RATIO)
        z = builder.conv(z, reduced, 1, name=f"{name}.squeeze.reduce", bias=True)
        z = builder.conv(builder.relu(z), middle, 1, name=f"{name}.squeeze.expand", bias=True)
        y = builder.multiply(y, builder.activation(z, "hsigmoid"))
    y = _conv_norm(builder, y, width, 1, f"{name}.project")
    return builder.add(y, x) if y.shape == x.shape else y
