"""What follows from a space's description of its networks."""

import pytest
import torch
from my_space import MySpace

from archcost.errors import ArchcostError, ArchitectureError, UnknownNameError
from archcost.networks import GraphBuilder, graph_layers
from archcost.spaces import SPACES

MINE = MySpace()


@pytest.mark.parametrize("space", [*SPACES.values(), MINE], ids=repr)
def test_nodes_of_a_position_are_labelled_with_its_op(space):
    for ops in space.sample(5, seed=4):
        nodes = space.graph(ops).nodes
        placed = [node for node in nodes if node.position is not None]
        assert placed
        assert all(node.part == space.op_names[ops[node.position]] for node in placed)
        assert {node.part for node in nodes if node.position is None} >= {"head"}


def test_the_architecture_may_choose_the_resolution():
    arch = "r24-k5_w16-k3_w8-absent-absent"
    graph = MINE.graph(arch, "maps", batch_size=2)
    assert (graph.input_shapes, graph.output_shapes) == (((2, 1, 24, 24),), ((2, 4),))
    macs = [layer.macs for layer in MINE.layers(arch, "maps")]
    assert macs == [24 * 24 * 25 * 16, 24 * 24 * 9 * 16 * 8, 0, 8 * 4]
    with torch.no_grad():
        assert MINE.network(arch, "maps")(torch.zeros(3, 1, 24, 24)).shape == (3, 4)


def test_layers_and_workload_are_those_of_the_graph():
    for space in (*SPACES.values(), MINE):
        ops = space.sample(1, seed=6)[0]
        layers = graph_layers(space.graph(ops))
        assert space.layers(ops) == layers
        assert space.workload(ops).params == sum(layer.params for layer in layers)


def test_bad_architectures_have_no_graph():
    with pytest.raises(ArchitectureError, match="no block after an absent one"):
        MINE.graph("r16-k3_w8-k3_w8-absent-k3_w8")
    with pytest.raises(UnknownNameError, match="dataset of my_space must be one of"):
        MINE.graph("r16-k3_w8-k3_w8-absent-absent", "photo")


def test_a_space_must_describe_its_networks():
    class Undescribed(MySpace.__base__):
        name, slots, datasets = "undescribed", {"layer": ("a",)}, MINE.datasets

    with pytest.raises(TypeError, match="describe"):
        Undescribed()


def test_shapes_are_checked_while_a_network_is_described():
    class Wrong(MySpace):
        def describe(self, ops, dataset, builder: GraphBuilder):
            x = builder.input(dataset.input_shape)
            return builder.add(x, builder.conv(x, 8, name="conv"))

    with pytest.raises(ArchcostError, match=r"shapes of add must be equal"):
        Wrong().graph("r16-k3_w8-k3_w8-absent-absent")
