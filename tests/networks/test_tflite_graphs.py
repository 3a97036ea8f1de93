import sys
from collections import Counter

import numpy as np
import pytest
from some_networks import mobile, transformer

from archcost.errors import (
    ArchcostError,
    ArchitectureError,
    MissingDataError,
    UnknownNameError,
)
from archcost.networks import GraphBuilder
from archcost.networks.network_weights import NetworkWeights
from archcost.networks.tflite_builder import ACTIVATION
from archcost.networks.tflite_file import _schema
from archcost.networks.tflite_graphs import tflite_graph, tflite_model
from archcost.networks.torch_module import torch_module
from archcost.spaces import SPACES, get_space
from archcost.zoo import zoo_network

interpreter = pytest.importorskip("ai_edge_litert.interpreter")
torch = pytest.importorskip("torch")

DEAD_CELLS = {
    "all none": [0, 0, 0, 0, 0, 0],
    "no path": [3, 0, 4, 0, 0, 0],
    "fed by zeros": [0, 0, 3, 0, 2, 3],
    "pool of zeros and a path": [0, 3, 4, 1, 4, 2],
    "identity": [0, 0, 0, 1, 0, 0],
}


def random_network(space, arch, dataset, seed):
    """Return the torch module with normalisation that is not the identity."""
    return randomise(space.network(arch, dataset), seed)


def randomise(network, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif value.dtype == torch.float32 and value.ndim == 1:
            value.copy_(torch.randn(value.shape, generator=generator) * 0.2 + 0.5)
    return network


def state_of(network):
    return {name: value.numpy() for name, value in network.state_dict().items()}


def run_tflite(model, image):
    """Run a model on an image of shape (1, channels, height, width)."""
    runner = interpreter.Interpreter(model_content=model, num_threads=1)
    runner.allocate_tensors()
    if image.ndim == 4:
        image = image.transpose(0, 2, 3, 1).copy()
    runner.set_tensor(runner.get_input_details()[0]["index"], image)
    runner.invoke()
    return runner.get_tensor(runner.get_output_details()[0]["index"])


def assert_equal_networks(space, arch, dataset, seed=0):
    network = random_network(space, arch, dataset, seed)
    image = torch.randn(
        1, *space.input_shape(dataset), generator=torch.Generator().manual_seed(seed)
    )
    with torch.no_grad():
        expected = network(image).numpy()
    got = run_tflite(
        tflite_model(space.graph(arch, dataset), weights=state_of(network)), image.numpy()
    )
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def operators(space, arch, dataset=None):
    return tflite_graph(space.graph(arch, dataset), NetworkWeights(channels_last=True)).operators


@pytest.mark.parametrize("dataset", SPACES["nasbench201"].dataset_names)
def test_cells_compute_what_torch_computes(dataset):
    space = get_space("nasbench201")
    for seed, arch in enumerate(space.sample(6, seed=3)):
        assert_equal_networks(space, arch, dataset, seed)


@pytest.mark.parametrize("arch", DEAD_CELLS.values(), ids=DEAD_CELLS)
def test_dead_cells_compute_what_torch_computes(arch):
    assert_equal_networks(get_space("nasbench201"), arch, "cifar10")


@pytest.mark.parametrize("block", range(9))
def test_each_fbnet_block_computes_what_torch_computes(block):
    assert_equal_networks(get_space("fbnet"), [block] * 22, "cifar100", seed=block)


def test_fbnet_computes_what_torch_computes_on_imagenet():
    space = get_space("fbnet")
    assert_equal_networks(space, space.sample(1, seed=5)[0], "ImageNet")


def test_graph_holds_only_what_the_output_needs():
    space = get_space("nasbench201")
    assert [op.code for op in operators(space, DEAD_CELLS["all none"])] == [
        "MUL", "ADD", "MEAN", "FULLY_CONNECTED",
    ]  # fmt: skip
    # Stem, 2 reductions of 3 and 15 cells of one live convolution; the two into node 1 are dead.
    codes = Counter(op.code for op in operators(space, [3, 0, 0, 2, 0, 0]))
    assert codes["CONV_2D"] == 1 + 2 * 3 + 15


def test_equal_operators_are_written_once():
    # Edges 0, 1 and 3 pool the input: one operator a cell does for all of them.
    codes = Counter(op.code for op in operators(get_space("nasbench201"), [4, 4, 1, 4, 1, 1]))
    assert codes["AVERAGE_POOL_2D"] == 15 + 2


def test_relus_are_fused_where_nothing_else_needs_what_they_take():
    space = get_space("nasbench201")
    # A chain of three convolutions; only what the reductions' pooling needs too is not fused.
    chain = operators(space, [3, 0, 3, 0, 0, 3])
    assert sum(op.code == "RELU" for op in chain) == 2
    with_relu = [op for op in chain if op.options.get(ACTIVATION) == "RELU"]
    fused = Counter(op.code for op in with_relu)
    # The stem, the cells' but for the last of each stage, and the first of each reduction;
    # the reductions' sums and the shift of the last normalisation.
    assert fused == {"CONV_2D": 1 + 15 * 3 - 3 + 2, "ADD": 3}
    # A skip around the convolution needs its input without the ReLU in each of the 15 cells.
    around = operators(space, [1, 0, 0, 3, 1, 0])
    assert sum(op.code == "RELU" for op in around) == 15 + 2


def test_uneven_padding_is_an_operator_of_its_own():
    codes = Counter(op.code for op in operators(get_space("nasbench201"), [3] * 6))
    assert codes["PAD"] == 2
    codes = Counter(op.code for op in operators(get_space("fbnet"), [0] * 22, "ImageNet"))
    assert codes["PAD"] == 5


def test_random_weights_are_seeded_and_keep_activations_in_range():
    space = get_space("fbnet")
    arch = space.sample(1, seed=1)[0]
    one, same, other = (tflite_model(space.graph(arch), seed=seed) for seed in (0, 0, 1))
    assert one == same != other
    rng = np.random.default_rng(0)
    for name in SPACES:
        for arch in SPACES[name].sample(5, seed=2):
            shape = SPACES[name].graph(arch).input_shapes[0]
            image = rng.standard_normal(shape).astype(np.float32)
            largest = np.abs(run_tflite(tflite_model(SPACES[name].graph(arch)), image)).max()
            assert 1e-6 < largest < 1e12 or largest == 0


def test_bad_input_is_refused():
    space = get_space("nasbench201")
    with pytest.raises(ArchitectureError, match="6 ops"):
        space.graph([0, 1])
    with pytest.raises(UnknownNameError, match="dataset of nasbench201 must be one of"):
        space.graph(0, "cifar1000")
    weights = state_of(space.network([3] * 6))
    weights["stem.0.weight"] = weights["stem.0.weight"][:8]
    with pytest.raises(ValueError, match=r"'stem.0.weight' must have shape \(16, 3, 3, 3\)"):
        tflite_model(space.graph([3] * 6), weights=weights)


def test_missing_package_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    _schema.cache_clear()
    with pytest.raises(MissingDataError, match=r"'ai-edge-litert'.*archcost\[litert\]"):
        tflite_model(get_space("nasbench201").graph(0))


def graph_of(append, shape=(4, 12, 10)):
    builder = GraphBuilder()
    return builder.graph(append(builder, builder.input(shape)))


def tokens_and_back(b, x):
    tokens = b.transpose(b.reshape(x, (4, 120)), (0, 2, 1))
    tokens = b.add(tokens, b.activation(b.linear(tokens, 4, name="a"), "gelu"))
    return b.max_pool(b.reshape(b.transpose(tokens, (0, 2, 1)), (4, 12, 10)), 2)


def masked_attention(b, x):
    heads = b.transpose(b.reshape(x, (2, 2, 12, 10)), (0, 1, 3, 2, 4))  # five axes
    mask = b.constant((2, 12, 2, 2), name="a")
    y = b.attention(heads, heads, b.activation(heads, "tanh"), mask)
    return b.reshape(b.transpose(y, (0, 1, 3, 2, 4)), (4, 12, 10))


def windows(b, x):
    y = b.node("reshape", [b.transpose(x, (0, 2, 3, 1))], (1, 3, 4, 2, 5, 4))
    y = b.node("reshape", [b.transpose(y, (0, 1, 3, 2, 4, 5))], (6, 20, 4))
    return b.reshape(b.linear(y, 3, name="a", bias=False), (20, 3))


GRAPHS = {
    "mobile": mobile(),
    "gelu": graph_of(lambda b, x: b.activation(b.conv(x, 4, name="a"), "gelu")),
    "bilinear": graph_of(lambda b, x: b.resize(x, (24, 20), "bilinear")),
    "softmax of channels": graph_of(lambda b, x: b.softmax(x, axis=1)),
    "mean that stays an image": graph_of(lambda b, x: b.multiply(x, b.global_pool(x))),
    "flat image": graph_of(lambda b, x: b.linear(b.flatten(x), 5, name="a")),
    "overlapping poolings": graph_of(
        lambda b, x: b.add(
            b.max_pool(x, 3, stride=2, padding=1),
            b.max_pool(b.relu(x), 3, stride=2, padding=((1, 1), (1, 0))),
        )
    ),
    "softmax of columns": graph_of(lambda b, x: b.softmax(x)),
    "group normalisation": graph_of(lambda b, x: b.group_norm(x, 2, name="a")),
    "normalised channels, last and first": graph_of(
        lambda b, x: b.add(
            b.transpose(b.layer_norm(b.transpose(x, (0, 2, 3, 1)), name="a"), (0, 3, 1, 2)),
            b.layer_norm(x, name="b", axes=2),
        )
    ),
    "products of matrices": graph_of(
        lambda b, x: b.matmul(b.matmul(x, b.transpose(x, (0, 1, 3, 2))), x)
    ),
    "tensors of several ranks": graph_of(
        lambda b, x: b.multiply(
            b.add(x, b.constant((12, 10), name="a")), b.constant((10,), name="c")
        )
    ),
    "scaled channels": graph_of(lambda b, x: b.multiply(b.constant((1, 4, 1, 1), name="a"), x)),
    "tokens and back": graph_of(tokens_and_back),
    "masked attention": graph_of(masked_attention),
    "windows": graph_of(windows),
    "sequence": graph_of(
        lambda b, x: b.global_pool(b.batch_norm(b.transpose(x, (0, 2, 1)), name="a")), (6, 5)
    ),
    "split rows": graph_of(lambda b, x: b.concat(b.split(x, 2, 4, axis=2), x, axis=2)),
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_ops_of_convolutional_networks_compute_what_torch_computes(graph):
    network = randomise(torch_module(graph), 0)
    image = torch.randn(graph.input_shapes[0], generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(image).numpy()
    got = run_tflite(tflite_model(graph, weights=state_of(network)), image.numpy())
    if expected.ndim == 4:
        got = got.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_what_tflite_cannot_hold_is_refused():
    with pytest.raises(ArchcostError, match="one input and one result"):
        tflite_model(transformer())
    with pytest.raises(ArchcostError, match=r"but got 'fft'; an ONNX file can"):
        tflite_model(graph_of(lambda b, x: b.other("fft", x, shape=x.shape)))
    with pytest.raises(ArchcostError, match="an average pooling must be padded by"):
        tflite_model(graph_of(lambda b, x: b.avg_pool(x, 3, stride=2, padding=1)))
    with pytest.raises(ArchcostError, match=r"but got 'conv of shape \(1, 3, 5\)'"):
        tflite_model(graph_of(lambda b, x: b.conv(x, 3, 3, name="a"), (6, 5)))
    with pytest.raises(ArchcostError, match=r"int8 .* but got \['BATCH_MATMUL'\]"):
        tflite_model(
            graph_of(lambda b, x: b.matmul(x, b.transpose(x, (0, 1, 3, 2)))), precision="int8"
        )


def test_transformers_on_images_are_written_without_exchanging_axes():
    # Only queries, keys, values and the result of attention change places with the heads.
    names = {"convnext_atto@64": 0, "convnext_tiny@64": 0, "vit_tiny_patch16@64": 12 * 4}
    for name, n_transposes in names.items():
        graph = tflite_graph(zoo_network(name), NetworkWeights(channels_last=True))
        assert sum(op.code == "TRANSPOSE" for op in graph.operators) == n_transposes
