"""VGG."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from archcost.errors import ArchcostError
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import N_CLASSES, ZooNetwork

WIDTHS, POOLED = (64, 128, 256, 512, 512), 7


def vgg(builder: GraphBuilder, image: Value, depths: Sequence[int]) -> Value:
    """Write 3x3 convolutions in five stages and three large linear layers.

    References
    ----------
    K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    ICLR 2015.
    """
    if any(size % (32 * POOLED) for size in image.shape[2:]):
        raise ArchcostError(
            f"the sides of the image must be multiples of {32 * POOLED} pixels, since the linear "
            f"layers read {POOLED}x{POOLED} pixels, but are {image.shape[2:]}"
        )
    x = image
    for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), start=1):
        with builder.at(stage=stage, part="stage"):
            for layer in range(depth):
                x = builder.conv(x, width, 3, bias=True, name=f"features.{stage}.{layer}")
                x = builder.relu(x)
            x = builder.max_pool(x, 2)
    with builder.at(part="head"):
        if x.shape[2] > POOLED:
            x = builder.avg_pool(x, tuple(size // POOLED for size in x.shape[2:]))
        x = builder.flatten(x)
        for layer in range(2):
            x = builder.relu(builder.linear(x, 4096, name=f"classifier.{layer}"))
        return builder.linear(x, N_CLASSES, name="classifier.2")


NETWORKS = {
    "vgg11": ZooNetwork(partial(vgg, depths=(1, 1, 2, 2, 2))),
    "vgg16": ZooNetwork(partial(vgg, depths=(2, 2, 3, 3, 3))),
}
