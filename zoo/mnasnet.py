"""Networks that were searched for phones: MnasNet with and without squeezing, FBNet-C.

M. Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", CVPR 2019;
B. Wu et al., "FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable Neural Architecture
Search", CVPR 2019.
"""

from archcost.zoo.blocks import ZooNetwork
from archcost.zoo.inverted_residuals import Blocks, InvertedResiduals

B1 = (
    Blocks(3, 1, 0, 16),
    Blocks(3, 2, 3, 24, 3),
    Blocks(5, 2, 3, 40, 3),
    Blocks(5, 2, 6, 80, 3),
    Blocks(3, 1, 6, 96, 2),
    Blocks(5, 2, 6, 192, 4),
    Blocks(3, 1, 6, 320),
)

A1 = (
    Blocks(3, 1, 0, 16),
    Blocks(3, 2, 6, 24, 2),
    Blocks(5, 2, 3, 40, 3, squeeze=0.25),
    Blocks(3, 2, 6, 80, 4),
    Blocks(3, 1, 6, 112, 2, squeeze=0.25),
    Blocks(5, 2, 6, 160, 3, squeeze=0.25),
    Blocks(3, 1, 6, 320),
)

FBNET_C = (
    Blocks(3, 1, 1, 16),
    Blocks(3, 2, 6, 24),
    Blocks(3, 1, 1, 24, 2),
    Blocks(5, 2, 6, 32),
    Blocks(5, 1, 3, 32),
    Blocks(5, 1, 6, 32),
    Blocks(3, 1, 6, 32),
    Blocks(5, 2, 6, 64),
    Blocks(5, 1, 3, 64),
    Blocks(5, 1, 6, 64, 2),
    Blocks(5, 1, 6, 112, 3),
    Blocks(5, 1, 3, 112),
    Blocks(5, 2, 6, 184, 4),
    Blocks(3, 1, 6, 352),
)

NETWORKS = {
    "mnasnet_050": ZooNetwork(InvertedResiduals(B1, 1280, "relu", width=0.5)),
    "mnasnet_100": ZooNetwork(InvertedResiduals(B1, 1280, "relu")),
    "semnasnet_100": ZooNetwork(InvertedResiduals(A1, 1280, "relu")),
    "fbnetc_100": ZooNetwork(InvertedResiduals(FBNET_C, 1984, "relu", stem=16)),
}
