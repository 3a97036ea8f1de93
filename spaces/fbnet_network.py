"""FBNet architectures as runnable torch networks."""

from collections.abc import Sequence

from torch import Tensor, nn

from archcost.spaces.fbnet import BLOCKS, STEM_CHANNELS, MacroShape, Slot


def conv_norm(
    c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Return convolution without bias and batch normalisation."""
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(c_out))


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution, projection; the input is added where shapes allow."""

    def __init__(self, op: str, slot: Slot) -> None:
        super().__init__()
        block = BLOCKS[op]
        wide = slot.c_in * block.expansion
        self.expand = nn.Sequential(conv_norm(slot.c_in, wide, groups=block.groups), nn.ReLU())
        self.shuffle = nn.ChannelShuffle(block.groups) if block.groups > 1 else nn.Identity()
        self.depthwise = nn.Sequential(
            conv_norm(wide, wide, block.kernel, slot.stride, groups=wide), nn.ReLU()
        )
        self.project = conv_norm(wide, slot.c_out, groups=block.groups)
        self.residual = slot.c_in == slot.c_out and slot.stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, c_out, h / stride, w / stride)``."""
        y: Tensor = self.project(self.depthwise(self.shuffle(self.expand(x))))
        return y + x if self.residual else y


def block_module(op: str, slot: Slot) -> nn.Module:
    """Return the module of one searchable layer."""
    if op != "skip":
        return InvertedResidual(op, slot)
    if slot.c_in == slot.c_out and slot.stride == 1:
        return nn.Identity()
    return nn.Sequential(conv_norm(slot.c_in, slot.c_out, 1, slot.stride), nn.ReLU())


class FBNetwork(nn.Module):
    """Stem, 22 blocks, head and classifier.

    References
    ----------
    B. Wu et al., "FBNet", CVPR 2019; macro shapes of HW-NAS-Bench (ICLR 2021).
    """

    def __init__(self, op_names: Sequence[str], slots: Sequence[Slot], macro: MacroShape) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv_norm(3, STEM_CHANNELS, 3, macro.stem_stride), nn.ReLU())
        self.blocks = nn.Sequential(*map(block_module, op_names, slots))
        self.head = nn.Sequential(
            conv_norm(slots[-1].c_out, macro.head_channels),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.classifier = nn.Linear(macro.head_channels, macro.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return class scores ``(n, classes)`` for images ``(n, 3, h, w)``."""
        return self.classifier(self.head(self.blocks(self.stem(x))))
