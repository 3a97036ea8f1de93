"""Networks of the zoo compute the same in torch, ONNX Runtime and LiteRT."""

import numpy as np
import pytest

from archcost.networks.onnx_graphs import onnx_model
from archcost.networks.tflite_graphs import tflite_model
from archcost.networks.torch_module import torch_module
from archcost.zoo import probes, zoo_network

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
interpreter = pytest.importorskip("ai_edge_litert.interpreter")

NAMES = [
    "resnet18@64", "mobilenetv3_small_050@64", "efficientnet_b0@64", "shufflenet_v2_x0_5@64",
    "ghostnet_100@64", "regnety_002@64", "convnext_atto@64", "swin_tiny@64", "vit_tiny_patch16@64",
    "mixer_s32@64", "densenet121@64", "squeezenet1_1@64",
]  # fmt: skip


def assert_equal_everywhere(graph):
    generator = torch.Generator().manual_seed(0)
    network = torch_module(graph)
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.7, 1.3, generator=generator)
        elif value.ndim == 1:
            value.normal_(0, 0.1, generator=generator).add_(float(not name.endswith("bias")))
    image = torch.randn(graph.input_shapes[0], generator=generator)
    with torch.no_grad():
        expected = network(image).numpy()
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    session = onnxruntime.InferenceSession(onnx_model(graph, weights=weights).SerializeToString())
    runner = interpreter.Interpreter(model_content=tflite_model(graph, weights=weights))
    runner.allocate_tensors()
    last = image.numpy().transpose(0, 2, 3, 1).copy()
    runner.set_tensor(runner.get_input_details()[0]["index"], last)
    runner.invoke()
    largest = np.abs(expected).max()
    assert 1e-6 < largest < 1e6
    for got in (
        session.run(None, {"input": image.numpy()})[0],
        runner.get_tensor(runner.get_output_details()[0]["index"]),
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4 * largest)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_published_networks(name):
    assert_equal_everywhere(zoo_network(name))


@pytest.mark.parametrize("graph", list(probes(30).values())[::6], ids=str)
def test_probes(graph):
    assert_equal_everywhere(graph)
