"""A search space as a user would write it: in no package, not additive, with invalid choices."""

from collections.abc import Sequence

from archcost.networks import GraphBuilder, Value
from archcost.spaces import Dataset, SearchSpace

BLOCKS = ("k3_w8", "k3_w16", "k5_w8", "k5_w16")


class MySpace(SearchSpace):
    """Up to four convolutions of free kernel and width at a free resolution."""

    name = "my_space"
    slots = {  # noqa: RUF012
        "resolution": ("r16", "r24", "r32"),
        "block1": BLOCKS,
        "block2": BLOCKS,
        "block3": (*BLOCKS, "absent"),
        "block4": (*BLOCKS, "absent"),
    }
    datasets = (Dataset("photos", (3, 32, 32), 10), Dataset("maps", (1, 32, 32), 4))

    def violation(self, ops: Sequence[int]) -> str | None:
        """Refuse a block after an absent one."""
        names = [self.op_names[op] for op in ops]
        if names[3] == "absent" != names[4]:
            return f"have no block after an absent one, but block4 is {names[4]!r}; make it absent"
        return None

    def describe(self, ops: Sequence[int], dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write the convolutions, whose input channels are the width before, and the head."""
        resolution, *blocks = (self.op_names[op] for op in ops)
        size = int(resolution[1:])
        x = builder.input((dataset.input_shape[0], size, size))
        for position, block in enumerate(blocks, start=1):
            if block != "absent":
                kernel, width = (int(part[1:]) for part in block.split("_"))
                with builder.at(f"block{position}", stage=1):
                    x = builder.conv(x, width, kernel, name=f"block{position}.conv")
                    x = builder.relu(builder.batch_norm(x, name=f"block{position}.norm"))
        with builder.at(part="head", stage=2):
            x = builder.flatten(builder.global_pool(x))
            return builder.linear(x, dataset.n_classes, name="classifier")
