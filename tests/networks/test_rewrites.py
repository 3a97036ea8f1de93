import numpy as np
import pytest
import torch
from some_networks import mobile

from archcost.networks import GraphBuilder
from archcost.networks.network_weights import NetworkWeights
from archcost.networks.rewrites import (
    deployed,
    drop_dead,
    fold_batch_norm,
    fold_zeros,
    fuse_activations,
    merge_equal,
)
from archcost.networks.torch_module import torch_module
from archcost.spaces import get_space


def ops_of(graph):
    return [node.op for node in graph.nodes]


def with_random_norms(module, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.state_dict().items():
        if value.dtype == torch.float32 and value.ndim == 1:
            low = 0.5 if name.endswith("running_var") else -0.5
            value.copy_(torch.rand(value.shape, generator=generator) + low)
    return module


def assert_same_function(before, after):
    """Compare a graph with its rewrite, weights folded as writers of files fold them."""
    module = with_random_norms(torch_module(before))
    state = {name: value.numpy() for name, value in module.state_dict().items()}
    weights = NetworkWeights(state)
    folded = dict(state)
    for node in after.nodes:
        if "norm" in node.attributes:
            source = after.nodes[node.inputs[0]].shape
            look_up, c_in = (
                (weights.linear, source[-1]) if node.op == "linear" else (weights.conv, source[1])
            )
            folded[f"{node.name}.weight"], folded[f"{node.name}.bias"] = look_up(node, c_in)
    rewritten = torch_module(after)
    names = set(rewritten.state_dict())
    rewritten.load_state_dict({k: torch.as_tensor(v) for k, v in folded.items() if k in names})
    image = torch.randn(before.input_shapes[0], generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, got = module(image), rewritten(image)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4 * expected.abs().max().item())


@pytest.mark.parametrize(
    "rewrite", [drop_dead, fold_zeros, fold_batch_norm, fuse_activations, merge_equal, deployed]
)
def test_rewrites_compute_the_same(rewrite):
    graphs = [mobile(), get_space("fbnet").graph([5] * 22)]
    graphs += [
        get_space("nasbench201").graph(arch) for arch in ([0, 0, 3, 0, 2, 3], [3, 0, 4, 1, 4, 2])
    ]
    for graph in graphs:
        assert rewrite(rewrite(graph)) == rewrite(graph)
        assert_same_function(graph, rewrite(graph))


def test_drop_dead_keeps_what_results_need():
    builder = GraphBuilder()
    x = builder.input((3, 8, 8))
    dead = builder.conv(x, 4, name="dead")
    builder.relu(dead)
    unread = builder.input((5,))
    graph = drop_dead(builder.graph(builder.relu(x)))
    assert ops_of(graph) == ["input", "input", "activation"]
    assert graph.input_shapes == (x.shape, unread.shape)
    assert graph.nodes[graph.outputs[0]].inputs == (0,)


def test_fold_zeros_leaves_convolutions_of_zeros():
    builder = GraphBuilder()
    x = builder.input((3, 8, 8))
    zeros = builder.zero(x)
    a = builder.add(builder.add(zeros, x), builder.avg_pool(zeros, 3, stride=1, padding=1))
    b = builder.conv(builder.relu(builder.multiply(x, zeros)), 3, name="conv")
    graph = drop_dead(fold_zeros(builder.graph(builder.add(a, b))))
    assert ops_of(graph) == ["input", "zero", "activation", "conv", "add"]
    assert graph.nodes[-1].inputs == (0, 3)
    nothing = fold_zeros(builder.graph(builder.add(zeros, builder.zero(x))))
    assert nothing.nodes[nothing.outputs[0]].op == "zero"


def test_a_sum_that_broadcasts_zeros_is_kept():
    builder = GraphBuilder()
    x = builder.input((3, 8, 8))
    wide = builder.add(builder.zero(x), builder.global_pool(x))
    graph = fold_zeros(builder.graph(wide))
    assert graph.output_shapes == ((1, 3, 8, 8),)
    assert graph.nodes[-1].op == "add"


def test_normalisation_is_folded_only_where_nothing_else_reads_the_convolution():
    builder = GraphBuilder()
    x = builder.conv(builder.input((3, 8, 8)), 4, name="conv")
    y = builder.batch_norm(x, name="norm")
    graph = fold_batch_norm(builder.graph(y))
    assert ops_of(graph) == ["input", "conv"]
    assert graph.nodes[1].attributes["norm"] == "norm"
    kept = builder.graph(builder.add(x, y))
    assert fold_batch_norm(kept) == kept
    assert fold_batch_norm(builder.graph(y, x)) == builder.graph(y, x)


def test_activations_are_fused_only_where_nothing_else_reads_what_they_take():
    builder = GraphBuilder()
    x = builder.conv(builder.input((3, 8, 8)), 4, name="conv")
    y = builder.relu(x)
    graph = fuse_activations(builder.graph(y))
    assert ops_of(graph) == ["input", "conv"]
    assert graph.nodes[1].attributes["activation"] == "relu"
    for kept in (builder.graph(builder.add(x, y)), builder.graph(y, x)):
        assert fuse_activations(kept) == kept
    other = GraphBuilder()
    x = other.conv(other.input((3, 8, 8)), 4, name="conv")
    kept = other.graph(other.activation(x, "tanh"))
    assert fuse_activations(kept) == kept
    assert ops_of(fuse_activations(kept, kinds=["tanh"])) == ["input", "conv"]


def test_equal_ops_are_one_node():
    builder = GraphBuilder()
    x = builder.input((4, 8, 8))
    a, b = (builder.conv(builder.relu(builder.relu(x)), 4, name=name) for name in "ab")
    graph = merge_equal(builder.graph(builder.add(a, b)))
    assert ops_of(graph) == ["input", "activation", "activation", "conv", "conv", "add"]
    assert graph.nodes[3].inputs == graph.nodes[4].inputs == (2,)
    cell = merge_equal(deployed(get_space("nasbench201").graph([4, 4, 1, 4, 1, 1])))
    assert ops_of(cell).count("avg_pool") == 15 + 2


def test_transposed_convolutions_take_up_normalisation():
    builder = GraphBuilder()
    x = builder.input((6, 5, 7))
    up = builder.node(
        "conv_transpose", [x], (1, 4, 10, 14), name="up", kernel=(4, 4), stride=(2, 2),
        padding=((1, 1), (1, 1)), dilation=(1, 1), groups=2, bias=True, output_padding=(0, 0),
    )  # fmt: skip
    graph = builder.graph(builder.batch_norm(up, name="norm"))
    folded = fold_batch_norm(graph)
    assert ops_of(folded) == ["input", "conv_transpose"]
    module = with_random_norms(torch_module(graph))
    state = {name: value.numpy() for name, value in module.state_dict().items()}
    weight, bias = NetworkWeights(state).conv_transpose(folded.nodes[1], 6)
    image = np.random.default_rng(0).standard_normal((1, 6, 5, 7)).astype(np.float32)
    got = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(image), torch.from_numpy(weight), torch.from_numpy(bias), 2, 1, 0, 2
    )
    with torch.no_grad():
        torch.testing.assert_close(got, module(torch.from_numpy(image)))
