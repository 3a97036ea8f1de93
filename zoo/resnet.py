"""ResNet, ResNeXt and Wide ResNet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import ZooNetwork, classifier, conv_norm

WIDTHS = (64, 128, 256, 512)
"""Channels of the four stages, a quarter of which bottlenecks compute with."""


def resnet(
    builder: GraphBuilder, image: Value, depths: Sequence[int], *, bottleneck: bool = True,
    groups: int = 1, group_width: int = 64,
) -> Value:  # fmt: skip
    """Write a residual network of four stages.

    Parameters
    ----------
    builder : GraphBuilder
        What it is written into.
    image : Value
        Its input.
    depths : sequence of int
        Blocks of each stage.
    bottleneck : bool, default=True
        Blocks of 1x1, 3x3 and 1x1 convolutions, else of two 3x3 convolutions.
    groups, group_width : int
        Groups of the 3x3 convolutions, and channels of a group in the first stage.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016;
    S. Xie et al., "Aggregated Residual Transformations for Deep Neural Networks", CVPR 2017;
    S. Zagoruyko, N. Komodakis, "Wide Residual Networks", BMVC 2016. The stride is in the 3x3
    convolution of a bottleneck, as in torchvision and timm.
    """
    with builder.at(part="stem"):
        x = conv_norm(builder, image, 64, 7, stride=2, name="stem")
        x = builder.max_pool(x, 3, stride=2, padding=1)
    for stage, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), start=1):
        for block in range(depth):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            with builder.at(stage=stage, part="bottleneck" if bottleneck else "basic_block"):
                if bottleneck:
                    inner = width * group_width // 64 * groups
                    y = conv_norm(builder, x, inner, name=f"{name}.1")
                    y = conv_norm(
                        builder, y, inner, 3, stride=stride, groups=groups, name=f"{name}.2"
                    )
                    y = conv_norm(builder, y, 4 * width, name=f"{name}.3", activation=None)
                else:
                    y = conv_norm(builder, x, width, 3, stride=stride, name=f"{name}.1")
                    y = conv_norm(builder, y, width, 3, name=f"{name}.2", activation=None)
                if x.shape != y.shape:
                    x = conv_norm(
                        builder, x, y.channels, stride=stride, name=f"{name}.skip", activation=None
                    )
                x = builder.relu(builder.add(y, x))
    return classifier(builder, x)


NETWORKS = {
    "resnet18": ZooNetwork(partial(resnet, depths=(2, 2, 2, 2), bottleneck=False)),
    "resnet26": ZooNetwork(partial(resnet, depths=(2, 2, 2, 2))),
    "resnet34": ZooNetwork(partial(resnet, depths=(3, 4, 6, 3), bottleneck=False)),
    "resnet50": ZooNetwork(partial(resnet, depths=(3, 4, 6, 3))),
    "resnet101": ZooNetwork(partial(resnet, depths=(3, 4, 23, 3))),
    "resnext50_32x4d": ZooNetwork(partial(resnet, depths=(3, 4, 6, 3), groups=32, group_width=4)),
    "wide_resnet50_2": ZooNetwork(partial(resnet, depths=(3, 4, 6, 3), group_width=128)),
}
