"""MobileNetV2 in several widths.

M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, table 2.
"""

from archcost.zoo.blocks import ZooNetwork, divisible
from archcost.zoo.inverted_residuals import Blocks, InvertedResiduals

BLOCKS = (
    Blocks(3, 1, 0, 16),
    Blocks(3, 2, 6, 24, 2),
    Blocks(3, 2, 6, 32, 3),
    Blocks(3, 2, 6, 64, 4),
    Blocks(3, 1, 6, 96, 3),
    Blocks(3, 2, 6, 160, 3),
    Blocks(3, 1, 6, 320),
)

NETWORKS = {
    f"mobilenetv2_{round(100 * width):03}": ZooNetwork(
        InvertedResiduals(BLOCKS, max(1280, divisible(1280 * width)), "relu6", width=width)
    )
    for width in (0.35, 0.5, 1.0, 1.4)
}
