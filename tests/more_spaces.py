"""Further search spaces as users might have them, close to those that ship."""

from itertools import combinations

from archcost.networks import Layer
from archcost.spaces import FBNet, NASBench201, SearchSpace


class OtherChain(FBNet):
    """A space of FBNet's shape and strings: 22 positions with 9 ops."""

    name = "other_chain"


class ReversedCells(NASBench201):
    """The cells of NAS-Bench-201 with the op ids the other way round, and without an index."""

    name = "reversed_cells"
    slots = {  # noqa: RUF012
        edge: tuple(reversed(names)) for edge, names in NASBench201.slots.items()
    }
    all_ops = SearchSpace.all_ops
    index, indices, from_index = SearchSpace.index, SearchSpace.indices, SearchSpace.from_index
    has_index, canonical = False, None


class FiveNodes(ReversedCells):
    """A complete graph of five nodes with 16 channels, whose ops have ids of their own."""

    name = "five_nodes"
    edges = tuple(sorted(combinations(range(5), 2), key=lambda edge: edge[::-1]))
    slots = {  # noqa: RUF012
        f"{source}->{target}": ("conv", "nothing", "same", "pool") for source, target in edges
    }
    split, join = SearchSpace.split, SearchSpace.join

    def layers(self, arch: object, dataset: str | None = None) -> tuple[Layer, ...]:
        """Return one layer an edge, none of an identity, and the classifier."""
        size = self.input_shape(dataset)[1]
        kinds = {"conv": "conv", "nothing": "zero", "pool": "pool"}
        names = [self.op_names[op] for op in self.parse(arch)]
        shape = (16, 16, size, size, size, size)
        return (
            *(
                Layer(kinds[name], position, 0, name, *shape, 3)
                for position, name in enumerate(names)
                if name in kinds
            ),
            Layer("linear", None, 1, "head", 16, 10, 1, 1, 1, 1),
        )


class ManyOps(FBNet):
    """Three convolutions of 150 widths each: more ops than int8 ids."""

    name = "many_ops"
    slots = {  # noqa: RUF012
        f"layer{number}": tuple(f"w{width}" for width in range(1, 151)) for number in (1, 2, 3)
    }

    def layers(self, arch: object, dataset: str | None = None) -> tuple[Layer, ...]:
        """Return convolutions from 8 channels to as many as chosen."""
        size = self.input_shape(dataset)[1]
        widths = [int(self.op_names[op][1:]) for op in self.parse(arch)]
        return tuple(
            Layer("conv", position, 1, f"w{width}", 8, width, size, size, size, size, 3)
            for position, width in enumerate(widths)
        )
