"""Vision transformers."""

from __future__ import annotations

from functools import partial

from archcost.errors import ArchcostError
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.zoo.blocks import (
    LAYER_NORM_EPSILON,
    N_CLASSES,
    ZooNetwork,
    tokens_of,
    transformer_block,
)


def vision_transformer(
    builder: GraphBuilder, image: Value, features: int, heads: int, *, patch: int = 16,
    depth: int = 12,
) -> Value:  # fmt: skip
    """Write a transformer on patches of an image and a class token.

    Parameters
    ----------
    builder : GraphBuilder
        What it is written into.
    image : Value
        Its input, whose sides are multiples of the patches'.
    features, heads : int
        Of each token, and of the attention.
    patch : int, default=16
        Side of a patch, in pixels.
    depth : int, default=12
        Blocks.

    References
    ----------
    A. Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at
    Scale", ICLR 2021; tiny and small: H. Touvron et al., "Training data-efficient image
    transformers & distillation through attention", ICML 2021.
    """
    with builder.at(part="stem"):
        x = patch_tokens(builder, image, features, patch)
        token = builder.constant((x.shape[0], 1, features), name="cls_token", params=features)
        x = builder.concat(token, x, axis=1)
        x = builder.add(x, builder.constant((1, *x.shape[1:]), name="pos_embed"))
    for number in range(depth):
        with builder.at(stage=1, part="transformer_block"):
            x = transformer_block(builder, x, heads, name=f"blocks.{number}")
    with builder.at(part="head"):
        x = builder.layer_norm(x, epsilon=LAYER_NORM_EPSILON, name="norm")
        x = builder.reshape(builder.split(x, 0, 1, axis=1), (features,))
        return builder.linear(x, N_CLASSES, name="head")


def patch_tokens(builder: GraphBuilder, image: Value, features: int, patch: int) -> Value:
    """Append a linear embedding of each patch: shape ``(batch, patches, features)``."""
    if any(side % patch for side in image.shape[2:]):
        raise ArchcostError(
            f"the sides of the image must be multiples of {patch} pixels, the side of a patch, "
            f"but are {image.shape[2:]}"
        )
    x = builder.conv(
        image, features, patch, stride=patch, padding=0, bias=True, name="patch_embed.proj"
    )
    return tokens_of(builder, x)


NETWORKS = {
    "vit_tiny_patch16": ZooNetwork(partial(vision_transformer, features=192, heads=3)),
    "vit_small_patch16": ZooNetwork(partial(vision_transformer, features=384, heads=6)),
    "vit_small_patch32": ZooNetwork(partial(vision_transformer, features=384, heads=6, patch=32)),
    "vit_base_patch16": ZooNetwork(partial(vision_transformer, features=768, heads=12)),
}
