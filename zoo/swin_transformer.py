"""Swin transformers: attention within windows that shift."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from archcost.errors import ArchcostError
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import N_CLASSES, ZooNetwork, channels_last, mlp, self_attention

REDUCTION = 32
"""Of the last stage's resolution, whose side is that of a window."""


def swin_transformer(
    builder: GraphBuilder, image: Value, depths: Sequence[int], heads: Sequence[int],
    features: int = 96,
) -> Value:  # fmt: skip
    """Write four stages of attention within windows, every second of them shifted by a half.

    A window is as large as the image of the last stage (7x7 at 224 pixels, 12x12 at 384), as in
    the publication.

    Parameters
    ----------
    builder : GraphBuilder
        What it is written into.
    image : Value
        Its input, whose sides are equal and multiples of 32.
    depths, heads : sequence of int
        Blocks and attention heads of each stage.
    features : int, default=96
        Of the first stage; each following one has twice as many.

    References
    ----------
    Z. Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows",
    ICCV 2021.
    """
    height, width = image.shape[2:]
    if height != width or height % REDUCTION:
        raise ArchcostError(
            f"the sides of the image must be equal and multiples of {REDUCTION} pixels, but are "
            f"{(height, width)}"
        )
    window = height // REDUCTION
    with builder.at(part="stem"):
        x = builder.conv(
            image, features, 4, stride=4, padding=0, bias=True, name="patch_embed.proj"
        )
        x = builder.layer_norm(channels_last(builder, x), name="patch_embed.norm")
    for stage, (depth, n_heads) in enumerate(zip(depths, heads, strict=True), start=1):
        if stage > 1:
            with builder.at(stage=stage, part="patch_merging"):
                x = _merged_patches(builder, x, f"layers.{stage}.downsample")
        for block in range(depth):
            shift = window // 2 if block % 2 and x.shape[1] > window else 0
            with builder.at(stage=stage, part="swin_block"):
                x = swin_block(
                    builder, x, window, shift, n_heads, name=f"layers.{stage}.blocks.{block}"
                )
    with builder.at(part="head"):
        x = builder.layer_norm(x, name="norm")
        x = builder.transpose(x, (0, 3, 1, 2))
        x = builder.flatten(builder.global_pool(x))
        return builder.linear(x, N_CLASSES, name="head")


def swin_block(
    builder: GraphBuilder, x: Value, window: int, shift: int, heads: int, *, name: str
) -> Value:
    """Append attention within the windows of an image, shape ``(batch, side, side, features)``.

    The relative positions' biases, one for each offset between two pixels and head, are a tensor
    that is added to the scores, with what keeps the parts of a shifted window apart.
    """
    batch, height, width, features = x.shape
    n_windows, n_tokens = height // window * (width // window), window**2
    y = _rolled(builder, builder.layer_norm(x, name=f"{name}.norm1"), shift)
    y = builder.node(
        "reshape", [y], (batch, height // window, window, width // window, window, features)
    )
    y = builder.transpose(y, (0, 1, 3, 2, 4, 5))
    y = builder.node("reshape", [y], (batch * n_windows, n_tokens, features))
    mask = builder.constant(
        (batch * n_windows if shift else 1, heads, n_tokens, n_tokens), name=f"{name}.attn.mask",
        params=heads * (2 * window - 1) ** 2,
    )  # fmt: skip
    y = self_attention(builder, y, heads, name=f"{name}.attn", mask=mask)
    y = builder.node(
        "reshape", [y], (batch, height // window, width // window, window, window, features)
    )
    y = builder.transpose(y, (0, 1, 3, 2, 4, 5))
    y = _rolled(builder, builder.node("reshape", [y], x.shape), -shift)
    x = builder.add(x, y)
    # The MLP sees pixels as tokens.
    y = builder.reshape(x, (height * width, features))
    z = mlp(builder, builder.layer_norm(y, name=f"{name}.norm2"), 4 * features, name=f"{name}.mlp")
    return builder.reshape(builder.add(y, z), x.shape[1:])


def _rolled(builder: GraphBuilder, x: Value, shift: int) -> Value:
    """Append a cyclic shift of height and width by so many pixels to the front."""
    for axis in (1, 2) if shift else ():
        size, start = x.shape[axis], shift % x.shape[axis]
        front = builder.split(x, start, size - start, axis=axis)
        x = builder.concat(front, builder.split(x, 0, start, axis=axis), axis=axis)
    return x


def _merged_patches(builder: GraphBuilder, x: Value, name: str) -> Value:
    batch, height, width, features = x.shape
    y = builder.node("reshape", [x], (batch, height // 2, 2, width // 2, 2, features))
    y = builder.transpose(y, (0, 1, 3, 4, 2, 5))
    y = builder.node("reshape", [y], (batch, height // 2, width // 2, 4 * features))
    y = builder.layer_norm(y, name=f"{name}.norm")
    return builder.linear(y, 2 * features, bias=False, name=f"{name}.reduction")


NETWORKS = {
    "swin_tiny": ZooNetwork(partial(swin_transformer, depths=(2, 2, 6, 2), heads=(3, 6, 12, 24))),
    "swin_small": ZooNetwork(partial(swin_transformer, depths=(2, 2, 18, 2), heads=(3, 6, 12, 24))),
}
