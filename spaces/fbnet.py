"""The FBNet search space: 22 layers with 9 blocks each, as HW-NAS-Bench lays it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archcost.errors import ArchitectureError, shown
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.spaces.config_dicts import entry_of_config
from archcost.spaces.dataset import Dataset
from archcost.spaces.fbnet_layout import (
    BLOCKS,
    MACRO,
    STAGE_LAYERS,
    STEM_CHANNELS,
    Slot,
    layer_slots,
    macro_of,
)
from archcost.spaces.foreign_forms import fbnet_hint
from archcost.spaces.space import Ops, SearchSpace


class FBNet(SearchSpace):
    """FBNet: 22 searchable layers in 7 stages, each one of 8 inverted residuals or a skip.

    A skip that changes resolution or channels is a 1x1 convolution. The stem has 16 channels, the
    head 1504 (CIFAR-100) or 1984 (ImageNet). Inputs of a dataset of your own get the strides and
    head of ImageNet if they have at least 128 pixels a side, else those of CIFAR-100.

    References
    ----------
    B. Wu et al., "FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable Neural
    Architecture Search", CVPR 2019; C. Li et al., "HW-NAS-Bench", ICLR 2021, appendix.

    Examples
    --------
    >>> space = FBNet()
    >>> space.format([0] * 21 + [8])[-16:]
    'k3_e1-k3_e1-skip'
    """

    name = "fbnet"
    slots = {f"layer{number:02d}": (*BLOCKS, "skip") for number in range(1, 23)}  # noqa: RUF012
    datasets = tuple(
        Dataset(name, (3, macro.resolution, macro.resolution), macro.classes)
        for name, macro in MACRO.items()
    )

    def from_config(self, config: Mapping[str, Any]) -> object:
        """Return the ``op_idx_list`` of HW-NAS-Bench's config dict."""
        ops = entry_of_config(self, config, "op_idx_list", {}, ignored=("arch_str",))
        names = config.get("arch_str")
        if names is not None and self.parse(names).tolist() != self.parse(ops).tolist():
            raise ArchitectureError(
                f"arch_str of a config of {self.name} must name the ops of op_idx_list, but "
                f"{shown(names)} and {shown(ops)} are two architectures"
            )
        return ops

    def hint(self, given: object) -> str:
        """Return the converter of blocks that are named as in the paper's code."""
        return fbnet_hint(given)

    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write the whole network; a skip that changes nothing is nothing."""
        macro = macro_of(dataset)
        x = builder.input(dataset.input_shape)
        with builder.at(part="stem"):
            x = _conv_norm_relu(builder, x, "stem.0", STEM_CHANNELS, 3, macro.stem_stride)
        for position, (op, slot) in enumerate(zip(ops, layer_slots(macro), strict=True)):
            with builder.at(position, stage=slot.stage):
                x = _block(builder, x, f"blocks.{position}", self.op_names[op], slot)
        with builder.at(part="head", stage=len(STAGE_LAYERS) + 1):
            x = _conv_norm_relu(builder, x, "head.0", macro.head_channels)
            x = builder.flatten(builder.global_pool(x))
            return builder.linear(x, dataset.n_classes, name="classifier")


def _block(builder: GraphBuilder, x: Value, name: str, op: str, slot: Slot) -> Value:
    if op == "skip":
        if slot.keeps_shape:
            return x
        return _conv_norm_relu(builder, x, f"{name}.0", slot.c_out, stride=slot.stride)
    block = BLOCKS[op]
    wide = slot.c_in * block.expansion
    y = _conv_norm_relu(builder, x, f"{name}.expand.0", wide, groups=block.groups)
    if block.groups > 1:
        y = builder.channel_shuffle(y, block.groups)
    y = _conv_norm_relu(
        builder, y, f"{name}.depthwise.0", wide, block.kernel, slot.stride, groups=wide
    )
    y = builder.conv(y, slot.c_out, groups=block.groups, name=f"{name}.project.0")
    y = builder.batch_norm(y, name=f"{name}.project.1")
    return builder.add(y, x) if slot.keeps_shape else y


def _conv_norm_relu(
    builder: GraphBuilder, x: Value, name: str, channels: int,
    kernel: int = 1, stride: int = 1, groups: int = 1,
) -> Value:  # fmt: skip
    y = builder.conv(x, channels, kernel, stride=stride, groups=groups, name=f"{name}.0")
    return builder.relu(builder.batch_norm(y, name=f"{name}.1"))
