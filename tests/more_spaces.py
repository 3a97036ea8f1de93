"""Further search spaces as users might have them, close to those that ship."""

from itertools import combinations

from archcost.networks import GraphBuilder, Value
from archcost.spaces import Dataset, FBNet, NASBench201, SearchSpace
from archcost.spaces.space import Ops


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

    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write one op an edge, whose sums are not written, and the classifier."""
        x = builder.input((16, *dataset.input_shape[1:]))
        y = x
        for position, op in enumerate(ops):
            with builder.at(position):
                name = self.op_names[op]
                if name == "conv":
                    y = builder.conv(x, 16, 3, name=f"conv{position}")
                elif name == "pool":
                    y = builder.avg_pool(x, 3, stride=1, padding=1)
                elif name == "nothing":
                    y = builder.zero(x)
        with builder.at(part="head", stage=1):
            return builder.linear(builder.flatten(builder.global_pool(y)), 10, name="head")


class ManyOps(FBNet):
    """Three convolutions of 150 widths each: more ops than int8 ids."""

    name = "many_ops"
    slots = {  # noqa: RUF012
        f"layer{number}": tuple(f"w{width}" for width in range(1, 151)) for number in (1, 2, 3)
    }

    def describe(self, ops: Ops, dataset: Dataset, builder: GraphBuilder) -> Value:
        """Write convolutions from 8 channels to as many as chosen, and their sum."""
        x = builder.input((8, *dataset.input_shape[1:]))
        total = None
        for position, op in enumerate(ops):
            with builder.at(position, stage=1):
                y = builder.conv(x, int(self.op_names[op][1:]), 3, name=f"conv{position}")
                y = builder.linear(
                    builder.flatten(builder.global_pool(y)), 10, name=f"out{position}"
                )
            total = y if total is None else builder.add(total, y)
        assert total is not None
        return total
