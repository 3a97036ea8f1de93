"""AutoFormer's search space of tiny vision transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from archcost.errors import ArchitectureError, shown
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.spaces.config_dicts import check_entries, chosen, listed
from archcost.spaces.dataset import Dataset
from archcost.spaces.op_checks import Ops
from archcost.spaces.space import SearchSpace

EMBEDDINGS, MIN_DEPTH, MAX_DEPTH = (192, 216, 240), 12, 14
RATIOS, HEADS, HEAD_FEATURES, PATCH = (3.5, 4.0), (3, 4), 64, 16
ABSENT = "absent"
BLOCKS = tuple(f"m{ratio:g}_h{heads}" for ratio in RATIOS for heads in HEADS)


class AutoFormerTiny(SearchSpace):
    """AutoFormer-tiny: 12 to 14 transformer blocks on 16x16 patches of an image of 224 pixels.

    The embedding (192, 216 or 240 features) is that of all blocks; each block chooses its MLP
    ratio (3.5 or 4) and its attention heads (3 or 4, of 64 features each). Layer normalisation
    comes before attention and MLP, and the classifier reads the mean of the patches. AutoFormer's
    optional relative positions are left out; its absolute ones are there. The string form reads
    ``d12:e192:m4_h3,m3.5_h4,...``.

    References
    ----------
    M. Chen, H. Peng, J. Fu, H. Ling, "AutoFormer: Searching Transformers for Visual Recognition",
    ICCV 2021, table 1.

    Examples
    --------
    >>> space = AutoFormerTiny()
    >>> config = {"layer_num": 12, "embed_dim": [192] * 12, "mlp_ratio": [4] * 12,
    ...           "num_heads": [3] * 12}
    >>> space.format(config)[:26]
    'd12:e192:m4_h3,m4_h3,m4_h3'
    """

    name = "autoformer_tiny"
    slots = {  # noqa: RUF012
        "embedding": tuple(f"e{features}" for features in EMBEDDINGS),
        **{f"block{number:02d}": BLOCKS for number in range(1, MIN_DEPTH + 1)},
        **{f"block{n:02d}": (*BLOCKS, ABSENT) for n in range(MIN_DEPTH + 1, MAX_DEPTH + 1)},
    }
    datasets = (Dataset("ImageNet", (3, 224, 224), 1000),)
    starts_with = tuple(f"d{depth}:" for depth in range(MIN_DEPTH, MAX_DEPTH + 1))

    def split(self, text: str) -> list[str]:
        """Split ``d12:e192:m4_h3,...`` into the embedding and 14 blocks."""
        parts = text.split(":")
        if len(parts) != 3 or not parts[0].startswith("d"):
            raise ArchitectureError(
                f"a string of {self.name} must read like 'd12:e192:m4_h3,m3.5_h4,...' (depth, "
                f"embedding, a block for each layer), but got {shown(text)}"
            )
        blocks = parts[2].split(",")
        if parts[0] != f"d{len(blocks)}" or not MIN_DEPTH <= len(blocks) <= MAX_DEPTH:
            raise ArchitectureError(
                f"the depth of {self.name} must be {MIN_DEPTH} to {MAX_DEPTH} and that of the "
                f"listed blocks, but {shown(text)} says {shown(parts[0])} and lists "
                f"{len(blocks)} blocks"
            )
        return [parts[1], *blocks, *[ABSENT] * (MAX_DEPTH - len(blocks))]

    def join(self, names: Sequence[str]) -> str:
        """Join the embedding and 14 blocks, absent ones left out, after the depth."""
        blocks = [name for name in names[1:] if name != ABSENT]
        return f"d{len(blocks)}:{names[0]}:{','.join(blocks)}"

    def violation(self, ops: Ops) -> str | None:
        """Refuse a block after an absent one."""
        absent = self.op_names.index(ABSENT)
        if ops[-2] == absent != ops[-1]:
            return (
                f"have no block after an absent one, but block 14 is {self.op_names[ops[-1]]!r} "
                "and block 13 is absent; make block 14 absent too"
            )
        return None

    def from_config(self, config: Mapping[str, Any]) -> list[str]:
        """Return the architecture of AutoFormer's dict.

        Parameters
        ----------
        config : mapping
            ``layer_num``: 12 to 14; ``embed_dim``: the embedding, a number or one a block, all
            equal; ``mlp_ratio`` and ``num_heads``: one a block.
        """
        check_entries(self, config, ("layer_num", "embed_dim", "mlp_ratio", "num_heads"), ())
        depths = range(MIN_DEPTH, MAX_DEPTH + 1)
        depth = chosen(self, "'layer_num'", config["layer_num"], depths)
        ratios = _chosen(self, "mlp_ratio", config["mlp_ratio"], depth, RATIOS)
        heads = _chosen(self, "num_heads", config["num_heads"], depth, HEADS)
        given = config["embed_dim"]
        each = given if isinstance(given, Sequence | np.ndarray) else [given] * depth
        embeddings = set(_chosen(self, "embed_dim", each, depth, EMBEDDINGS))
        if len(embeddings) != 1:
            raise ArchitectureError(
                f"'embed_dim' of {self.name} must be the same for all blocks, but got {given!r}"
            )
        blocks = [f"m{ratio:g}_h{number}" for ratio, number in zip(ratios, heads, strict=True)]
        return [f"e{embeddings.pop()}", *blocks, *[ABSENT] * (MAX_DEPTH - depth)]

    def input_violation(self, input_shape: tuple[int, int, int]) -> str | None:
        """Refuse images that are smaller than a patch; what is left over at the edges is unread."""
        if min(input_shape[1:]) < PATCH:
            return f"have at least the {PATCH} pixels of a patch a side"
        return None

    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write patch embedding, positions, blocks, and the classifier on the patches' mean."""
        names = [self.op_names[op] for op in ops]
        features = int(names[0][1:])
        with builder.at(0, stage=0):
            x = builder.conv(
                builder.input(dataset.input_shape), features, PATCH,
                stride=PATCH, padding=0, bias=True, name="patch_embed.proj",
            )  # fmt: skip
            n_patches = x.shape[2] * x.shape[3]
            x = builder.transpose(builder.reshape(x, (features, n_patches)), (0, 2, 1))
            token = builder.constant((1, 1, features), name="cls_token")
            # One token for each image of a batch; with batch 1 a constant that runtimes fold.
            token = builder.add(token, builder.zero(builder.split(x, 0, 1, axis=1)))
            x = builder.concat(token, x, axis=1)
            x = builder.add(x, builder.constant((1, n_patches + 1, features), name="pos_embed"))
        for place, name in enumerate(names[1:], start=1):
            if name != ABSENT:
                ratio, heads = name.removeprefix("m").split("_h")
                with builder.at(place, stage=1):
                    x = _block(builder, x, float(ratio), int(heads), f"blocks.{place - 1}")
        with builder.at(part="head", stage=2):
            x = builder.split(builder.layer_norm(x, name="norm"), 1, n_patches, axis=1)
            x = builder.global_pool(builder.transpose(x, (0, 2, 1)))
            return builder.linear(builder.flatten(x), dataset.n_classes, name="head")


def _block(builder: GraphBuilder, x: Value, ratio: float, heads: int, name: str) -> Value:
    n_tokens, features = x.shape[1:]
    wide = heads * HEAD_FEATURES
    y = builder.layer_norm(x, name=f"{name}.attn_layer_norm")
    y = builder.linear(y, 3 * wide, name=f"{name}.attn.qkv")
    parts = []
    for part in range(3):
        z = builder.split(y, part * wide, wide, axis=2)
        z = builder.reshape(z, (n_tokens, heads, HEAD_FEATURES))
        parts.append(builder.transpose(z, (0, 2, 1, 3)))
    y = builder.transpose(builder.attention(*parts), (0, 2, 1, 3))
    y = builder.linear(builder.reshape(y, (n_tokens, wide)), features, name=f"{name}.attn.proj")
    x = builder.add(x, y)
    y = builder.layer_norm(x, name=f"{name}.ffn_layer_norm")
    y = builder.activation(builder.linear(y, int(features * ratio), name=f"{name}.fc1"), "gelu")
    return builder.add(x, builder.linear(y, features, name=f"{name}.fc2"))


def _chosen(
    space: SearchSpace, key: str, given: Any, depth: int, choices: Sequence[float]
) -> list[Any]:
    """Return `depth` choices, one a block, or say which is the nearest to what is none."""
    return [chosen(space, repr(key), x, choices) for x in listed(space, key, given, depth)]
