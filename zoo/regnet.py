"""RegNetX and RegNetY."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import ZooNetwork, classifier, conv_norm, squeeze_excite


@dataclass(frozen=True, slots=True)
class RegNet:
    """A network whose widths follow a quantised line.

    Parameters
    ----------
    first_width : int
        Where the line starts.
    slope : float
        By how much each block is wider than the one before, before quantisation.
    ratio : float
        Of the widths of consecutive stages.
    depth : int
        Blocks in all.
    group_width : int
        Channels of a group of the 3x3 convolutions.
    squeeze : float, default=0
        Channels that squeeze-and-excitation computes with, in proportion to those of the block's
        input; 0 for none (RegNetX).

    References
    ----------
    I. Radosavovic et al., "Designing Network Design Spaces", CVPR 2020.
    """

    first_width: int
    slope: float
    ratio: float
    depth: int
    group_width: int
    squeeze: float = 0.0

    def widths(self) -> list[int]:
        """Return the channels of each block."""
        found = []
        for block in range(self.depth):
            straight = self.first_width + block * self.slope
            power = round(log(straight / self.first_width) / log(self.ratio))
            quantised = round(self.first_width * self.ratio**power / 8) * 8
            group = min(self.group_width, quantised)
            found.append(round(quantised / group) * group)
        return found

    def __call__(self, builder: GraphBuilder, image: Value) -> Value:
        """Write the network and return its scores of the classes."""
        with builder.at(part="stem"):
            x = conv_norm(builder, image, 32, 3, stride=2, name="stem")
        stage, width_before = 0, 0
        for number, width in enumerate(self.widths()):
            stride = 2 if width != width_before else 1
            stage, width_before = stage + stride - 1, width
            with builder.at(stage=stage, part="regnet_block"):
                x = self._block(builder, x, width, stride, f"blocks.{number}")
        return classifier(builder, x)

    def _block(self, builder: GraphBuilder, x: Value, width: int, stride: int, name: str) -> Value:
        y = conv_norm(builder, x, width, name=f"{name}.1")
        groups = width // min(self.group_width, width)
        y = conv_norm(builder, y, width, 3, stride=stride, groups=groups, name=f"{name}.2")
        if self.squeeze:
            squeezed = round(x.channels * self.squeeze)
            y = squeeze_excite(builder, y, squeezed, name=f"{name}.squeeze")
        y = conv_norm(builder, y, width, name=f"{name}.3", activation=None)
        if stride > 1:
            x = conv_norm(builder, x, width, stride=stride, name=f"{name}.skip", activation=None)
        return builder.relu(builder.add(y, x))


NETWORKS = {
    "regnetx_002": ZooNetwork(RegNet(24, 36.44, 2.49, 13, 8)),
    "regnetx_004": ZooNetwork(RegNet(24, 24.48, 2.54, 22, 16)),
    "regnetx_008": ZooNetwork(RegNet(56, 35.73, 2.28, 16, 16)),
    "regnetx_016": ZooNetwork(RegNet(80, 34.01, 2.25, 18, 24)),
    "regnetx_032": ZooNetwork(RegNet(88, 26.31, 2.25, 25, 48)),
    "regnety_002": ZooNetwork(RegNet(24, 36.44, 2.49, 13, 8, 0.25)),
    "regnety_004": ZooNetwork(RegNet(48, 27.89, 2.09, 16, 8, 0.25)),
    "regnety_008": ZooNetwork(RegNet(56, 38.84, 2.4, 14, 16, 0.25)),
    "regnety_016": ZooNetwork(RegNet(48, 20.71, 2.65, 27, 24, 0.25)),
    "regnety_032": ZooNetwork(RegNet(80, 42.63, 2.66, 21, 24, 0.25)),
}
