import numpy as np
import pytest
from some_networks import NETWORKS, embedded

from archcost.errors import ArchcostError, ArchitectureError, UnknownNameError
from archcost.networks import GraphBuilder
from archcost.networks.onnx_graphs import onnx_model
from archcost.networks.torch_module import torch_module
from archcost.spaces import SPACES, get_space

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
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


def run_onnx(model, image):
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {"input": image})[0]


def assert_equal_networks(space, arch, dataset, seed=0):
    network = random_network(space, arch, dataset, seed)
    image = torch.randn(
        1, *space.input_shape(dataset), generator=torch.Generator().manual_seed(seed)
    )
    with torch.no_grad():
        expected = network(image).numpy()
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    got = run_onnx(onnx_model(space.graph(arch, dataset), weights=weights), image.numpy())
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


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
    model = onnx_model(get_space("nasbench201").graph(DEAD_CELLS["all none"]))
    assert [node.op_type for node in model.graph.node] == [
        "BatchNormalization", "Relu", "GlobalAveragePool", "Flatten", "Gemm",
    ]  # fmt: skip
    # Stem, 2 reductions of 3 and 15 cells of one live convolution; the two into node 1 are dead.
    model = onnx_model(get_space("nasbench201").graph([3, 0, 0, 2, 0, 0]))
    assert sum(node.op_type == "Conv" for node in model.graph.node) == 1 + 2 * 3 + 15


def test_random_weights_are_seeded_and_keep_activations_in_range():
    space = get_space("fbnet")
    arch = space.sample(1, seed=1)[0]
    one, same, other = (
        onnx_model(space.graph(arch), seed=seed).SerializeToString() for seed in (0, 0, 1)
    )
    assert one == same != other
    rng = np.random.default_rng(0)
    for name in SPACES:
        for arch in SPACES[name].sample(5, seed=2):
            shape = SPACES[name].graph(arch).input_shapes[0]
            image = rng.standard_normal(shape).astype(np.float32)
            largest = np.abs(run_onnx(onnx_model(SPACES[name].graph(arch)), image)).max()
            assert 1e-6 < largest < 1e12 or largest == 0


def test_bad_input_is_refused():
    space = get_space("nasbench201")
    with pytest.raises(ArchitectureError, match="6 ops"):
        space.graph([0, 1])
    with pytest.raises(UnknownNameError, match="dataset of nasbench201 must be one of"):
        space.graph(0, "cifar1000")
    weights = {name: value.numpy() for name, value in space.network([3] * 6).state_dict().items()}
    weights["stem.0.weight"] = weights["stem.0.weight"][:8]
    with pytest.raises(ValueError, match=r"'stem.0.weight' must have shape \(16, 3, 3, 3\)"):
        onnx_model(space.graph([3] * 6), weights=weights)


@pytest.mark.parametrize("graph", [f(2) for f in NETWORKS.values()] + [embedded()], ids=repr)
def test_the_whole_vocabulary_computes_what_torch_computes(graph):
    network = randomise(torch_module(graph), 0)
    (shape,) = graph.input_shapes
    image = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    if graph.nodes[0].precision == "int64":
        image = torch.arange(shape[1])[None]
    with torch.no_grad():
        expected = network(image)
    expected = expected if isinstance(expected, tuple) else (expected,)
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    model = onnx_model(graph, weights=weights)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for got, right in zip(session.run(None, {"input": image.numpy()}), expected, strict=True):
        largest = right.abs().max().item()
        np.testing.assert_allclose(got, right.numpy(), rtol=1e-4, atol=1e-5 * largest)
    seeded = onnxruntime.InferenceSession(onnx_model(graph).SerializeToString())
    assert all(np.isfinite(y).all() for y in seeded.run(None, {"input": image.numpy()}))


@pytest.mark.parametrize("kind", ["relu", "prelu"])
def test_transposed_convolutions_and_slopes_compute_what_torch_computes(kind):
    builder = GraphBuilder()
    x = builder.node(
        "conv_transpose", [builder.input((6, 5, 7))], (1, 4, 10, 14), name="up", kernel=(4, 4),
        stride=(2, 2), padding=((1, 1), (1, 1)), dilation=(1, 1), groups=2, bias=True,
        output_padding=(0, 0),
    )  # fmt: skip
    x = builder.batch_norm(x, name="norm")
    params = {"params": 4, "name": "slopes"} if kind == "prelu" else {}
    graph = builder.graph(builder.node("activation", [x], x.shape, kind=kind, **params))
    network = randomise(torch_module(graph), 0)
    image = torch.randn(1, 6, 5, 7, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = network(image).numpy()
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    got = run_onnx(onnx_model(graph, weights=weights), image.numpy())
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_unknown_ops_are_refused():
    builder = GraphBuilder()
    x = builder.input((3, 8, 8))
    with pytest.raises(ArchcostError, match="written to an ONNX file, but got 'deformable'"):
        onnx_model(builder.graph(builder.other("deformable", x, shape=x.shape)))
