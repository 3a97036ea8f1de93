"""Layers by context: the same as those of each network described by itself."""

import numpy as np
import pytest

from archcost.networks.graph_builder import GraphBuilder
from archcost.spaces import Dataset, SearchSpace, get_space
from archcost.spaces.layer_contexts import layer_contexts, layers_by_place

MANY = 1000


class Widths(SearchSpace):
    """Three convolutions, each of a width; with `entangled`, the last one's follows from all."""

    name = "widths"
    slots = {f"layer{n}": ("8", "16", "24") for n in range(5)}  # noqa: RUF012
    datasets = (Dataset("tiny", (3, 8, 8), 2),)
    entangled = False

    def describe(self, ops, dataset, builder: GraphBuilder):
        """Write the convolutions."""
        widths = [int(self.op_names[op]) for op in ops]
        if self.entangled:
            widths[-1] = 8 + sum(widths)
        x = builder.input(dataset.input_shape)
        for place, width in enumerate(widths):
            with builder.at(place):
                x = builder.conv(x, width, 3, name=f"layer{place}")
        with builder.at(part="head"):
            x = builder.flatten(builder.global_pool(x))
            return builder.linear(x, dataset.n_classes, name="head")


class Entangled(Widths):
    """A space in which the last layer depends on every choice."""

    name = "entangled_widths"
    entangled = True


def test_contexts_of_a_chain_of_widths():
    found = layer_contexts(Widths(), "tiny", MANY)
    assert found.contexts == ((0,), (0, 1), (1, 2), (2, 3), (3, 4), (4,))
    (key, layers), *others = found.entries(1)
    assert key == (0, 0) and len(others) == 8
    assert [(layer.c_in, layer.c_out) for layer in layers] == [(8, 8)]


@pytest.mark.parametrize(
    ("name", "head", "block"),
    [("natsbench_size", (0, 4), (1, 2)), ("autoformer_tiny", (0,), (0, 2))],
)
def test_layers_are_those_of_the_network_itself(name, head, block):
    space = get_space(name)
    found = layer_contexts(space, space.default_dataset, MANY)
    assert found.contexts[2] == block
    assert found.contexts[-1] == head
    for row in map(tuple, space.sample(20, seed=5).tolist()):
        assert found(row) == layers_by_place(space, row, space.default_dataset)


def test_few_networks_are_described_one_by_one():
    class Others(Widths):
        name = "other_widths"

    assert layer_contexts(Others(), "tiny", 2) is None
    assert layer_contexts(Others(), "tiny", MANY) is not None
    assert layer_contexts(Others(), "tiny", 2) is not None  # once they are known


def test_what_depends_on_everything_is_described_one_by_one(monkeypatch):
    space = Entangled()
    found = layer_contexts(space, "tiny", MANY)
    assert found.contexts[-2] == (0, 1, 2, 3, 4)
    monkeypatch.setattr("archcost.spaces.layer_contexts.MOST_ENTRIES", 100)

    class More(Entangled):
        name = "more_entangled_widths"

    assert layer_contexts(More(), "tiny", MANY) is None
    row = np.array([0, 1, 2, 1, 0])
    assert [layer.c_out for layer in space.layers(row)][:5] == [8, 16, 24, 16, 80]
