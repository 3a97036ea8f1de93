"""The FBNet search space: 22 layers with 9 blocks each, as HW-NAS-Bench lays it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archcost.errors import ArchitectureError, shown
from archcost.networks.layers import Layer
from archcost.spaces.config_dicts import entry_of_config
from archcost.spaces.dataset import Dataset
from archcost.spaces.space import SearchSpace

if TYPE_CHECKING:
    from torch import nn

STAGE_LAYERS = (1, 4, 4, 4, 4, 4, 1)
STAGE_CHANNELS = (16, 24, 32, 64, 112, 184, 352)
STEM_CHANNELS = 16


@dataclass(frozen=True, slots=True)
class MacroShape:
    """What a dataset changes in the network around the blocks."""

    resolution: int
    stem_stride: int
    stage_strides: tuple[int, ...]
    head_channels: int
    classes: int


MACRO = {
    "cifar100": MacroShape(32, 1, (1, 1, 2, 2, 1, 2, 1), 1504, 100),
    "ImageNet": MacroShape(224, 2, (1, 2, 2, 2, 1, 2, 1), 1984, 1000),
}


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual: 1x1 expansion, depthwise convolution, 1x1 projection."""

    kernel: int
    expansion: int
    groups: int


BLOCKS = {
    "k3_e1": Block(3, 1, 1),
    "k3_e1_g2": Block(3, 1, 2),
    "k3_e3": Block(3, 3, 1),
    "k3_e6": Block(3, 6, 1),
    "k5_e1": Block(5, 1, 1),
    "k5_e1_g2": Block(5, 1, 2),
    "k5_e3": Block(5, 3, 1),
    "k5_e6": Block(5, 6, 1),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """The shapes around one searchable layer; they do not depend on the blocks chosen."""

    stage: int
    c_in: int
    c_out: int
    size: int
    stride: int


class FBNet(SearchSpace):
    """FBNet: 22 searchable layers in 7 stages, each one of 8 inverted residuals or a skip.

    A skip that changes resolution or channels is a 1x1 convolution. The stem has 16 channels, the
    head 1504 (CIFAR-100) or 1984 (ImageNet).

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

    def layer_shapes(self, dataset: str | None = None) -> tuple[Slot, ...]:
        """Return the shapes around each of the 22 searchable layers."""
        macro = MACRO[self.check_dataset(dataset)]
        size = macro.resolution // macro.stem_stride
        c_in = STEM_CHANNELS
        slots = []
        stages = zip(STAGE_LAYERS, STAGE_CHANNELS, macro.stage_strides, strict=True)
        for stage, (n_layers, channels, stage_stride) in enumerate(stages, start=1):
            for layer in range(n_layers):
                stride = stage_stride if layer == 0 else 1
                slots.append(Slot(stage, c_in, channels, size, stride))
                size //= stride
                c_in = channels
        return tuple(slots)

    def layers(self, arch: object, dataset: str | None = None) -> tuple[Layer, ...]:
        """Return all layers in order of execution; a skip that changes nothing has none."""
        ops = self.parse(arch)
        macro = MACRO[self.check_dataset(dataset)]
        stem = _conv(None, 0, "stem", 3, STEM_CHANNELS, macro.resolution, 3, macro.stem_stride)
        layers = [stem]
        slots = self.layer_shapes(dataset)
        for position, (op, slot) in enumerate(zip(ops, slots, strict=True)):
            layers += _block_layers(position, self.op_names[op], slot)
        size = slots[-1].size // slots[-1].stride
        head, stage = macro.head_channels, len(STAGE_LAYERS) + 1
        layers += [
            _conv(None, stage, "head", slots[-1].c_out, head, size),
            Layer("global_pool", None, stage, "head", head, head, size, size, 1, 1),
            Layer("linear", None, stage, "head", head, macro.classes, 1, 1, 1, 1),
        ]
        return tuple(layers)

    def network(self, arch: object, dataset: str | None = None) -> nn.Module:
        """Build the network as a torch module, random weights, evaluation mode."""
        from archcost.spaces.fbnet_network import FBNetwork

        names = [self.op_names[op] for op in self.parse(arch)]
        dataset = self.check_dataset(dataset)
        return FBNetwork(names, self.layer_shapes(dataset), MACRO[dataset]).eval()


def _conv(
    position: int | None, stage: int, op: str, c_in: int, c_out: int, size: int,
    kernel: int = 1, stride: int = 1, groups: int = 1,
) -> Layer:  # fmt: skip
    out = size // stride
    return Layer(
        "conv", position, stage, op, c_in, c_out, size, size, out, out, kernel, stride, groups,
        norm_channels=c_out,
    )  # fmt: skip


def _block_layers(position: int, op: str, slot: Slot) -> list[Layer]:
    keeps_shape = slot.c_in == slot.c_out and slot.stride == 1
    if op == "skip":
        if keeps_shape:
            return []
        return [_conv(position, slot.stage, op, slot.c_in, slot.c_out, slot.size, 1, slot.stride)]
    block = BLOCKS[op]
    wide = slot.c_in * block.expansion
    out = slot.size // slot.stride
    layers = [
        _conv(position, slot.stage, op, slot.c_in, wide, slot.size, groups=block.groups),
        _conv(position, slot.stage, op, wide, wide, slot.size, block.kernel, slot.stride, wide),
        _conv(position, slot.stage, op, wide, slot.c_out, out, groups=block.groups),
    ]
    if keeps_shape:
        shape = (slot.c_out, slot.c_out, out, out, out, out)
        layers.append(Layer("add", position, slot.stage, op, *shape))
    return layers
