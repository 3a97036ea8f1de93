import numpy as np
import pytest
from some_networks import mobile

from archcost.errors import UnknownNameError
from archcost.networks import GraphBuilder
from archcost.networks.network_weights import NetworkWeights
from archcost.networks.tflite_file import Tensor, TfliteGraph, serialise
from archcost.networks.tflite_graphs import tflite_graph, tflite_model
from archcost.networks.tflite_quantised import assumed_ranges, observed_ranges, quantise
from archcost.networks.torch_module import torch_module
from archcost.spaces import get_space

interpreter = pytest.importorskip("ai_edge_litert.interpreter")
torch = pytest.importorskip("torch")

CELLS = {
    "mixed": [3, 1, 4, 2, 1, 3],
    "pools": [4, 0, 4, 1, 3, 4],
    "fed by zeros": [0, 0, 3, 0, 2, 3],
    "no path": [3, 0, 4, 0, 0, 0],
}


def images_of(space, dataset, count, seed=0):
    """Return images that differ in brightness and contrast as photographs do."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((count, *space.input_shape(dataset)))
    contrast, brightness = 2 * rng.random((count, 3, 1, 1)), rng.standard_normal((count, 3, 1, 1))
    return (noise * contrast + brightness).astype(np.float32)


def trained_network(space, arch, dataset, images):
    """Return the torch module with the normalisation that training on the images leaves."""
    network = space.network(arch, dataset)
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
            module.weight.data = 1 + 0.2 * torch.randn(module.weight.shape, generator=generator)
            module.bias.data = 0.2 * torch.randn(module.bias.shape, generator=generator)
    with torch.no_grad():
        network.train()(torch.from_numpy(images))
    return network.eval()


def state_of(network):
    return {name: value.numpy() for name, value in network.state_dict().items()}


def graph_of(space, arch, dataset, weights=None):
    return tflite_graph(space.graph(arch, dataset), NetworkWeights(weights, channels_last=True))


def real(integers, quantization):
    """Return the numbers that integers stand for."""
    shape = [1] * integers.ndim
    if len(quantization.scale) > 1:
        shape[quantization.axis] = -1
    scale = quantization.scale.reshape(shape).astype(np.float64)
    return ((integers.astype(np.float64) - quantization.zero_point) * scale).astype(np.float32)


def integers(values, quantization):
    rounded = np.rint(values / quantization.scale + quantization.zero_point)
    return rounded.clip(-128, 127).astype(np.int8)


def run(model, value, *, everything=False):
    """Return the output, or each tensor by name, of a model for one input, channels last."""
    options = {}
    if everything:
        options["experimental_op_resolver_type"] = (
            interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        options["experimental_preserve_all_tensors"] = True
    runner = interpreter.Interpreter(model_content=model, num_threads=1, **options)
    runner.allocate_tensors()
    runner.set_tensor(runner.get_input_details()[0]["index"], np.ascontiguousarray(value))
    runner.invoke()
    if not everything:
        return runner.get_tensor(runner.get_output_details()[0]["index"])
    details = [d for d in runner.get_tensor_details() if d["name"]]
    return {detail["name"]: runner.get_tensor(detail["index"]) for detail in details}


def assert_operators_are_exact(graph, image):
    """Compare each operator's integers with fp32 arithmetic on the numbers they stand for."""
    first = integers(image.transpose(1, 2, 0)[None], graph.tensors[graph.input].quantization)
    seen = run(serialise(graph), first, everything=True)
    numbers = {
        name: tensor.data if tensor.quantization is None else real(
            seen[name] if tensor.data is None else tensor.data, tensor.quantization
        )
        for name, tensor in graph.tensors.items()
    }  # fmt: skip
    for operator in graph.operators:
        head, output = operator.inputs[0], operator.output
        tensors = {name: Tensor(numbers[name].shape, numbers[name]) for name in operator.inputs}
        tensors[head] = Tensor(numbers[head].shape)
        tensors[output] = Tensor(numbers[output].shape)
        alone = TfliteGraph(tensors, [operator], head, output)
        quantization = graph.tensors[output].quantization
        expected = integers(run(serialise(alone), numbers[head]), quantization)
        difference = np.abs(expected.astype(int) - seen[output].astype(int))
        assert difference.max() <= 1, operator


def assert_constants_are_near(fp32, int8):
    for name, tensor in int8.tensors.items():
        if tensor.data is not None and tensor.quantization is not None:
            steps = np.abs(real(tensor.data, tensor.quantization) - fp32.tensors[name].data)
            widest = tensor.quantization.scale.max()
            assert steps.max() <= 0.501 * widest, name


@pytest.mark.parametrize("arch", CELLS.values(), ids=CELLS)
def test_cells_are_quantised_exactly(arch):
    space, dataset = get_space("nasbench201"), "cifar10"
    images = images_of(space, dataset, 8)
    fp32 = graph_of(space, arch, dataset, state_of(trained_network(space, arch, dataset, images)))
    int8 = quantise(fp32, observed_ranges(fp32, images))
    assert_constants_are_near(fp32, int8)
    assert_operators_are_exact(int8, images[0])


@pytest.mark.parametrize("block", [0, 1, 5, 8])
def test_fbnet_is_quantised_exactly(block):
    space, dataset, arch = get_space("fbnet"), "cifar100", [block] * 22
    images = images_of(space, dataset, 4)
    fp32 = graph_of(space, arch, dataset, state_of(trained_network(space, arch, dataset, images)))
    int8 = quantise(fp32, observed_ranges(fp32, images))
    assert_constants_are_near(fp32, int8)
    assert_operators_are_exact(int8, images[0])


def several_ops():
    builder = GraphBuilder()
    x = builder.conv(builder.input((4, 12, 10)), 4, name="conv")
    y = builder.concat(builder.relu(x), builder.activation(x, "gelu"))
    y = builder.add(y, builder.constant((1, 8, 1, 1), name="shift"))
    return builder.graph(builder.softmax(builder.resize(y, (24, 20), "bilinear"), axis=1))


OTHER_OPS = {
    "mobile": (
        mobile(),
        {"CONCATENATION", "HARD_SWISH", "LOGISTIC", "MAX_POOL_2D", "QUANTIZE", "SLICE", "TANH"},
    ),
    "several": (several_ops(), {"GELU", "RELU", "RESIZE_BILINEAR", "SOFTMAX"}),
}


@pytest.mark.parametrize(("graph", "codes"), OTHER_OPS.values(), ids=OTHER_OPS)
def test_other_ops_are_quantised_exactly(graph, codes):
    rng = np.random.default_rng(0)
    images = rng.standard_normal((4, *graph.input_shapes[0][1:])).astype(np.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = state_of(torch_module(graph))
    fp32 = tflite_graph(graph, NetworkWeights(weights, channels_last=True))
    int8 = quantise(fp32, observed_ranges(fp32, images))
    assert codes <= {operator.code for operator in int8.operators}
    assert_constants_are_near(fp32, int8)
    assert_operators_are_exact(int8, images[0])


# Untrained networks of many convolutions in a row amplify each rounding; these have few.
@pytest.mark.parametrize("arch", [[1, 4, 2, 4, 1, 3], CELLS["pools"], [8] * 22], ids=str)
def test_logits_follow_those_of_torch(arch):
    space = get_space("nasbench201" if len(arch) == 6 else "fbnet")
    dataset = space.check_dataset(None)
    images = images_of(space, dataset, 16)
    network = trained_network(space, arch, dataset, images)
    with torch.no_grad():
        expected = network(torch.from_numpy(images)).numpy()
    model = tflite_model(
        space.graph(arch, dataset),
        weights=state_of(network),
        precision="int8",
        calibration=images,
    )
    runner = interpreter.Interpreter(model_content=model)
    runner.allocate_tensors()
    ends = runner.get_input_details()[0], runner.get_output_details()[0]
    assert [end["dtype"] for end in ends] == [np.int8, np.int8]
    (scale, zero_point), (step, origin) = (end["quantization"] for end in ends)
    got = []
    for image in images:
        value = np.rint(image.transpose(1, 2, 0)[None] / scale + zero_point).clip(-128, 127)
        got.append((run(model, value.astype(np.int8)).astype(float) - origin) * step)
    got = np.concatenate(got)
    # What all images have in common would correlate anyway.
    pair = ((got - got.mean(0)).ravel(), (expected - expected.mean(0)).ravel())
    assert np.corrcoef(*pair)[0, 1] > 0.99


def test_scales_are_those_of_the_specification():
    space = get_space("nasbench201")
    fp32 = graph_of(space, [4, 0, 0, 3, 0, 2], "cifar10")
    int8 = quantise(fp32, assumed_ranges(fp32))
    for operator in int8.operators:
        x, y = (int8.tensors[n].quantization for n in (operator.inputs[0], operator.output))
        if operator.code in ("AVERAGE_POOL_2D", "PAD"):
            assert x == y
        if operator.code == "CONV_2D":
            weight, bias = (int8.tensors[name] for name in operator.inputs[1:])
            assert len(weight.quantization.scale) == weight.shape[0]
            assert bias.data.dtype == np.int32
            np.testing.assert_allclose(
                bias.quantization.scale, x.scale * weight.quantization.scale, rtol=1e-6
            )
            assert np.abs(weight.data.astype(int)).max() == 127
    relus = [op for op in int8.operators if op.code == "RELU"]
    assert relus
    for relu in relus:
        quantization = int8.tensors[relu.output].quantization
        assert quantization.zero_point == -128
        np.testing.assert_allclose(quantization.scale, 4 / 255, rtol=1e-6)


def test_int8_is_seeded_and_a_quarter_of_the_size():
    space = get_space("fbnet")
    arch = space.sample(1, seed=1)[0]
    one, same, other = (
        tflite_model(space.graph(arch), seed=seed, precision="int8") for seed in (0, 0, 1)
    )
    assert one == same != other
    assert len(one) < 0.35 * len(tflite_model(space.graph(arch)))


def test_unknown_precision_is_refused():
    with pytest.raises(UnknownNameError, match=r"precision must be one of .*'int4'"):
        tflite_model(get_space("nasbench201").graph(0), precision="int4")
