"""A search space as a user would write it: in no package, not additive, with invalid choices."""

from collections.abc import Sequence

from archcost.networks import Layer
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

    def layers(self, arch: object, dataset: str | None = None) -> tuple[Layer, ...]:
        """Return the convolutions, whose input channels are the width before, and the head."""
        resolution, *blocks = (self.op_names[op] for op in self.parse(arch))
        data = self.dataset(dataset)
        width, size = data.input_shape[0], int(resolution[1:])
        layers = []
        for position, block in enumerate(blocks, start=1):
            if block != "absent":
                kernel, wide = (int(part[1:]) for part in block.split("_"))
                layers.append(
                    Layer("conv", position, 1, block, width, wide, size, size, size, size, kernel,
                          norm_channels=wide)
                )  # fmt: skip
                width = wide
        shape = (width, width, size, size, 1, 1)
        layers.append(Layer("global_pool", None, 2, "head", *shape))
        layers.append(Layer("linear", None, 2, "head", width, data.n_classes, 1, 1, 1, 1))
        return tuple(layers)

    def network(self, arch: object, dataset: str | None = None) -> object:
        """Build the network."""
        from torch import nn

        modules = []
        for layer in self.layers(arch, dataset):
            if layer.kind == "conv":
                conv = nn.Conv2d(
                    layer.c_in, layer.c_out, layer.kernel, 1, layer.kernel // 2, bias=False
                )
                modules += [conv, nn.BatchNorm2d(layer.c_out), nn.ReLU()]
        return nn.Sequential(
            *modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(layer.c_in, layer.c_out)
        ).eval()
