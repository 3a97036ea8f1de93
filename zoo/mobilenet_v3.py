"""MobileNetV3, small and large, in several widths.

A. Howard et al., "Searching for MobileNetV3", ICCV 2019, tables 1 and 2. The first, wide widths are
those of timm.
"""

from archcost.zoo.blocks import ZooNetwork, divisible
from archcost.zoo.inverted_residuals import Blocks, InvertedResiduals

SMALL = (
    Blocks(3, 2, 0, 16, squeeze=0.25, activation="relu"),
    Blocks(3, 2, 4.5, 24, activation="relu"),
    Blocks(3, 1, 3.67, 24, activation="relu"),
    Blocks(5, 2, 4, 40, squeeze=0.25),
    Blocks(5, 1, 6, 40, 2, squeeze=0.25),
    Blocks(5, 1, 3, 48, 2, squeeze=0.25),
    Blocks(5, 2, 6, 96, 3, squeeze=0.25),
)

LARGE = (
    Blocks(3, 1, 0, 16, activation="relu"),
    Blocks(3, 2, 4, 24, activation="relu"),
    Blocks(3, 1, 3, 24, activation="relu"),
    Blocks(5, 2, 3, 40, 3, squeeze=0.25, activation="relu"),
    Blocks(3, 2, 6, 80),
    Blocks(3, 1, 2.5, 80),
    Blocks(3, 1, 2.3, 80, 2),
    Blocks(3, 1, 6, 112, 2, squeeze=0.25),
    Blocks(5, 2, 6, 160, 3, squeeze=0.25),
)


def _network(
    blocks: tuple[Blocks, ...], features: int, hidden: int, width: float, *, fixed_stem: bool
) -> ZooNetwork:
    return ZooNetwork(
        InvertedResiduals(
            blocks, divisible(features * width), "hswish", width=width, stem=16,
            fixed_stem=fixed_stem, squeeze_of="expanded", hidden=hidden,
        )
    )  # fmt: skip


NETWORKS = {
    "mobilenetv3_small_050": _network(SMALL, 576, 1024, 0.5, fixed_stem=True),
    "mobilenetv3_small_075": _network(SMALL, 576, 1024, 0.75, fixed_stem=False),
    "mobilenetv3_small_100": _network(SMALL, 576, 1024, 1.0, fixed_stem=False),
    "mobilenetv3_large_075": _network(LARGE, 960, 1280, 0.75, fixed_stem=False),
    "mobilenetv3_large_100": _network(LARGE, 960, 1280, 1.0, fixed_stem=False),
}
