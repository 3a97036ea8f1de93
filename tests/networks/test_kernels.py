"""Which ops run as one kernel."""

import pytest

from archcost.errors import ArchcostError
from archcost.networks import GraphBuilder
from archcost.networks.kernels import NOT_EXECUTED, STYLES, executed_kernels
from archcost.spaces import get_space


def ops(graph, style="fused"):
    return [
        "+".join(graph.nodes[place].op for place in kernel.places)
        for kernel in executed_kernels(graph, style)
    ]


def image():
    builder = GraphBuilder()
    return builder, builder.input((16, 8, 8))


def test_a_convolution_takes_what_follows_along():
    builder, x = image()
    y = builder.conv(x, 16, 3, name="conv")
    y = builder.add(builder.batch_norm(y, name="norm"), x)
    graph = builder.graph(builder.relu(y))
    assert ops(graph) == ["conv+batch_norm+add+activation"]
    assert ops(graph, "eager") == ["conv", "batch_norm", "add", "activation"]
    assert executed_kernels(graph)[0].reads == (0,)


def test_a_value_that_is_needed_elsewhere_is_written_before():
    builder, x = image()
    y = builder.conv(x, 16, 3, name="conv")
    graph = builder.graph(builder.add(builder.relu(y), builder.max_pool(y, 3, stride=1, padding=1)))
    assert ops(graph) == ["conv", "max_pool", "activation+add"]


def test_a_gate_written_out_joins_its_convolution():
    builder, x = image()
    y = builder.conv(x, 16, 3, name="conv")
    graph = builder.graph(builder.multiply(y, builder.activation(y, "sigmoid")))
    assert ops(graph) == ["conv+activation+multiply"]


def test_squeeze_and_excitation_scales_in_a_kernel_of_its_own():
    builder, x = image()
    y = builder.conv(x, 16, 3, name="conv")
    gate = builder.conv(builder.global_pool(y), 16, 1, name="gate")
    graph = builder.graph(builder.multiply(y, builder.activation(gate, "sigmoid")))
    assert ops(graph) == ["conv", "global_pool", "conv+activation", "multiply"]


def test_a_result_of_the_network_is_written():
    builder, x = image()
    y = builder.conv(x, 16, 3, name="conv")
    assert ops(builder.graph(y, builder.relu(y))) == ["conv", "activation"]


def test_reshapes_are_not_executed_and_do_not_part_ops():
    builder, x = image()
    y = builder.reshape(builder.linear(builder.flatten(x), 64, name="linear"), (4, 16))
    assert ops(builder.graph(builder.relu(y))) == ["linear+activation"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["nasbench201", "fbnet", "ofa_mbv3"])
def test_every_executed_node_is_in_one_kernel_that_reads_what_is_known(name, style):
    space = get_space(name)
    graph = space.graph(space.sample(1, seed=3)[0])
    known, seen = {i for i, node in enumerate(graph.nodes) if node.op in NOT_EXECUTED}, []
    for kernel in executed_kernels(graph, style):
        assert set(kernel.reads) <= known
        assert kernel.anchor in kernel.places
        known.update(kernel.places)
        seen += kernel.places
    assert sorted(seen) == [i for i, n in enumerate(graph.nodes) if n.op not in NOT_EXECUTED]


def test_an_unknown_style_is_named():
    builder, x = image()
    with pytest.raises(ArchcostError, match="style"):
        executed_kernels(builder.graph(builder.relu(x)), "lazy")
