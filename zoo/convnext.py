"""ConvNeXt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import (
    LAYER_NORM_EPSILON,
    N_CLASSES,
    ZooNetwork,
    channels_first,
    channels_last,
    mlp,
)


def convnext(
    builder: GraphBuilder, image: Value, depths: Sequence[int], widths: Sequence[int], *,
    conv_mlp: bool = False,
) -> Value:  # fmt: skip
    """Write 7x7 depthwise convolutions and MLPs in four stages.

    Parameters
    ----------
    builder : GraphBuilder
        What it is written into.
    image : Value
        Its input.
    depths, widths : sequence of int
        Blocks and channels of each stage.
    conv_mlp : bool, default=False
        Whether MLPs are 1x1 convolutions, as in timm's smallest, or linear layers on an image
        with its channels last.

    References
    ----------
    Z. Liu et al., "A ConvNet for the 2020s", CVPR 2022.
    """
    x = image
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True), start=1):
        with builder.at(stage=stage, part="downsampling" if stage > 1 else "stem"):
            name, size = f"downsampling.{stage}", 2 if stage > 1 else 4
            if stage > 1:
                x = _image_norm(builder, x, f"{name}.norm")
            x = builder.conv(x, width, size, stride=size, padding=0, bias=True, name=f"{name}.conv")
            if stage == 1:
                x = _image_norm(builder, x, f"{name}.norm")
        for block in range(depth):
            with builder.at(stage=stage, part="convnext_block"):
                x = convnext_block(builder, x, name=f"stages.{stage}.{block}", conv_mlp=conv_mlp)
    with builder.at(part="head"):
        x = builder.flatten(builder.global_pool(x))
        x = builder.layer_norm(x, epsilon=LAYER_NORM_EPSILON, name="norm")
        return builder.linear(x, N_CLASSES, name="classifier")


def convnext_block(
    builder: GraphBuilder, x: Value, *, name: str, conv_mlp: bool = False, kernel: int = 7
) -> Value:
    """Append a depthwise convolution, layer normalisation, an MLP, a scale, and the sum."""
    width = x.channels
    y = builder.conv(x, width, kernel, groups=width, bias=True, name=f"{name}.depthwise")
    if conv_mlp:
        y = _image_norm(builder, y, f"{name}.norm")
        y = builder.conv(y, 4 * width, bias=True, name=f"{name}.mlp.fc1")
        y = builder.activation(y, "gelu")
        y = builder.conv(y, width, bias=True, name=f"{name}.mlp.fc2")
    else:
        y = channels_last(builder, y)
        y = builder.layer_norm(y, epsilon=LAYER_NORM_EPSILON, name=f"{name}.norm")
        y = channels_first(builder, mlp(builder, y, 4 * width, name=f"{name}.mlp"))
    y = builder.multiply(y, builder.constant((1, width, 1, 1), name=f"{name}.scale"))
    return builder.add(y, x)


def _image_norm(builder: GraphBuilder, x: Value, name: str) -> Value:
    y = builder.layer_norm(channels_last(builder, x), epsilon=LAYER_NORM_EPSILON, name=name)
    return channels_first(builder, y)


NETWORKS = {
    "convnext_atto": ZooNetwork(
        partial(convnext, depths=(2, 2, 6, 2), widths=(40, 80, 160, 320), conv_mlp=True)
    ),
    "convnext_femto": ZooNetwork(
        partial(convnext, depths=(2, 2, 6, 2), widths=(48, 96, 192, 384), conv_mlp=True)
    ),
    "convnext_tiny": ZooNetwork(partial(convnext, depths=(3, 3, 9, 3), widths=(96, 192, 384, 768))),
    "convnext_small": ZooNetwork(
        partial(convnext, depths=(3, 3, 27, 3), widths=(96, 192, 384, 768))
    ),
}
