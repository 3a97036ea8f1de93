"""The layout of FBNet's networks: what is the same whatever blocks are chosen.

References
----------
B. Wu et al., "FBNet", CVPR 2019; macro shapes of HW-NAS-Bench (ICLR 2021).
"""

from dataclasses import dataclass, replace

from archcost.spaces.dataset import Dataset

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


LEAST_SIDE_OF_IMAGENET = 128
"""Least height and width from which on inputs of a user's dataset take the layout of ImageNet: its
last feature map then has at least four pixels a side, as CIFAR's has."""

MACRO = {
    "cifar100": MacroShape(32, 1, (1, 1, 2, 2, 1, 2, 1), 1504, 100),
    "ImageNet": MacroShape(224, 2, (1, 2, 2, 2, 1, 2, 1), 1984, 1000),
}


def macro_of(dataset: Dataset) -> MacroShape:
    """Return the network around the blocks for a dataset: one of the two published layouts.

    Inputs of 128 pixels a side or more get that of ImageNet, which strides five times, others that
    of CIFAR-100, which strides three times.
    """
    if dataset.name in MACRO:
        return MACRO[dataset.name]
    side = min(dataset.input_shape[1:])
    layout = MACRO["ImageNet" if side >= LEAST_SIDE_OF_IMAGENET else "cifar100"]
    return replace(layout, resolution=side, classes=dataset.n_classes)


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

    @property
    def keeps_shape(self) -> bool:
        """Whether input and output have the same shape, so that they can be added."""
        return self.c_in == self.c_out and self.stride == 1


def layer_slots(macro: MacroShape) -> tuple[Slot, ...]:
    """Return the shapes around each of the 22 searchable layers."""
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
