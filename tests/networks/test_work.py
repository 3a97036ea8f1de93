"""Formulas of work against torch's own counter of FLOPs, parameters and hooks."""

import pytest
import torch
from some_networks import NETWORKS, embedded
from torch.utils.flop_counter import FlopCounterMode

from archcost.networks import GraphBuilder, graph_layers, graph_work, node_work
from archcost.networks.torch_module import torch_module
from archcost.spaces import SPACES


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("batch_size", [1, 3])
def test_flops_and_parameters_are_those_of_torch(network, batch_size):
    graph = network(batch_size)
    with torch.device("meta"):
        module = torch_module(graph)
        image = torch.zeros(graph.input_shapes[0])
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(image)
    work = graph_work(graph)
    assert work.flops == 2 * work.macs == counter.get_total_flops() > 0
    assert work.params == sum(p.numel() for p in module.parameters())
    assert work.weight_bytes == 4 * work.params
    layers = graph_layers(graph)
    assert sum(layer.macs for layer in layers) == work.macs
    assert sum(layer.params for layer in layers) == work.params


def one(append, shape=(4, 9, 10)):
    """Return the work of a single op."""
    builder = GraphBuilder(2)
    graph = builder.graph(append(builder, builder.input(shape)))
    node = graph.nodes[-1]
    return node_work(node, [graph.nodes[place] for place in node.inputs])


def test_bytes_of_each_kind_of_op():
    image = 2 * 4 * 9 * 10 * 4
    conv = one(lambda b, x: b.conv(x, 8, 3, stride=3, groups=2, bias=True, name="a"))
    assert (conv.input_bytes, conv.output_bytes) == (image, 2 * 8 * 3 * 4 * 4)
    assert conv.params == 8 * 2 * 9 + 8 and conv.weight_bytes == 4 * conv.params
    both = one(lambda b, x: b.add(x, x))
    assert (both.input_bytes, both.output_bytes) == (2 * image, image)
    gated = one(lambda b, x: b.multiply(x, b.global_pool(x)))
    assert (gated.input_bytes, gated.output_bytes) == (image + 2 * 4 * 4, image)
    assert one(lambda b, x: b.flatten(x)).input_bytes == 0
    part = one(lambda b, x: b.split(x, 1, 2))
    assert part.input_bytes == part.output_bytes == image // 2
    zeros = one(lambda b, x: b.zero(x))
    assert (zeros.input_bytes, zeros.output_bytes) == (0, image)
    shifted = one(lambda b, x: b.add(x, b.constant((4, 1, 1), name="shift")))
    assert (shifted.input_bytes, shifted.output_bytes) == (image, image)  # constants are weights


def test_what_gather_reads_is_not_the_whole_table():
    graph = embedded()
    table, rows = graph.nodes[1], graph.nodes[2]
    assert node_work(table, []).params == 44
    work = node_work(rows, [table, graph.nodes[0]])
    assert work.input_bytes == work.output_bytes == 6 * 4 * 4
    assert graph_work(graph).params == 44 + 4 * 5 * 3 + 10  # the filled constant is none


def test_transposed_convolution_is_counted_as_torch_does():
    builder = GraphBuilder()
    x = builder.input((6, 5, 7))
    window = {
        "kernel": (3, 3), "stride": (2, 2), "padding": ((1, 1), (1, 1)), "dilation": (1, 1),
    }  # fmt: skip
    y = builder.node("conv_transpose", [x], (1, 4, 9, 13), name="up", groups=2, bias=True, **window,
                     output_padding=(0, 0))  # fmt: skip
    graph = builder.graph(y)
    module = torch_module(graph)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        assert module(torch.zeros(1, 6, 5, 7)).shape == y.shape
    assert graph_work(graph).flops == counter.get_total_flops()
    assert graph_work(graph).params == sum(p.numel() for p in module.parameters())


def test_shared_weights_count_once():
    builder = GraphBuilder()
    x = builder.linear(builder.input((8,)), 8, name="shared")
    y = builder.node("linear", [x], (1, 8), name="shared", bias=True)
    graph = builder.graph(y)
    assert (
        graph_work(graph).params == 72 == sum(p.numel() for p in torch_module(graph).parameters())
    )
    assert graph_work(graph).macs == 128


def test_other_ops_say_what_they_cost():
    builder = GraphBuilder()
    x = builder.input((4, 8, 8))
    graph = builder.graph(builder.other("deformable", x, shape=x.shape, macs=100, params=9))
    work = graph_work(graph)
    assert (work.macs, work.flops, work.params, work.weight_bytes) == (100, 200, 9, 36)
    (layer,) = graph_layers(graph)
    assert (layer.kind, layer.macs, layer.params) == ("other", 100, 9)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_work_of_a_batch_is_that_of_its_images(space):
    ops = space.sample(1, seed=3)[0]
    one, many = (graph_work(space.graph(ops, batch_size=n)) for n in (1, 4))
    assert (many.macs, many.output_bytes) == (4 * one.macs, 4 * one.output_bytes)
    assert many.params == one.params
    assert one.macs == space.workload(ops).flops // 2
