"""EfficientNet and EfficientNet-Lite.

M. Tan, Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML
2019; the padding is the same on all sides, as in torchvision and timm. The lite ones, by the same
authors, have no squeeze-and-excitation and ReLU6.
"""

from dataclasses import replace

from archcost.zoo.blocks import ZooNetwork, divisible
from archcost.zoo.inverted_residuals import Blocks, InvertedResiduals

BLOCKS = (
    Blocks(3, 1, 0, 16, squeeze=0.25),
    Blocks(3, 2, 6, 24, 2, squeeze=0.25),
    Blocks(5, 2, 6, 40, 2, squeeze=0.25),
    Blocks(3, 2, 6, 80, 3, squeeze=0.25),
    Blocks(5, 1, 6, 112, 3, squeeze=0.25),
    Blocks(5, 2, 6, 192, 4, squeeze=0.25),
    Blocks(3, 1, 6, 320, squeeze=0.25),
)

SCALES = {"b0": (1.0, 1.0, 224), "b1": (1.0, 1.1, 240), "b2": (1.1, 1.2, 260),
          "b3": (1.2, 1.4, 300)}  # fmt: skip
"""Width, depth and side of the image."""

NETWORKS = {
    **{
        f"efficientnet_{scale}": ZooNetwork(
            InvertedResiduals(BLOCKS, divisible(1280 * width), "silu", width=width, depth=depth),
            side,
        )
        for scale, (width, depth, side) in SCALES.items()
    },
    "efficientnet_lite0": ZooNetwork(
        InvertedResiduals([replace(blocks, squeeze=0.0) for blocks in BLOCKS], 1280, "relu6")
    ),
}
