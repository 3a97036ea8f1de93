import numpy as np
import pytest

from archcost.errors import ArchcostError
from archcost.measuring.openvino_cpu import OpenVinoCpu, compile_onnx
from archcost.networks.onnx_graphs import onnx_model
from archcost.spaces import get_space

pytest.importorskip("onnx")
openvino = pytest.importorskip("openvino")
torch = pytest.importorskip("torch")

ARCHS = [
    *[("nasbench201", [int(op) for op in arch]) for arch in get_space("nasbench201").sample(3)],
    ("nasbench201", [0, 0, 3, 0, 2, 3]),  # fed by zeros
    ("nasbench201", [0] * 6),
    ("fbnet", get_space("fbnet").sample(1)[0].tolist()),
]


@pytest.mark.parametrize(("name", "arch"), ARCHS)
def test_computes_what_torch_computes_in_fp32(name, arch):
    space = get_space(name)
    generator = torch.Generator().manual_seed(0)
    network = space.network(arch)
    for weight in network.parameters():
        if weight.ndim > 1:  # torch's own initial values vanish within FBNet's depth
            torch.nn.init.kaiming_normal_(weight, generator=generator)
    image = torch.randn(1, *space.input_shape(), generator=generator)
    weights = {key: value.numpy() for key, value in network.state_dict().items()}
    compiled = compile_onnx(onnx_model(space.graph(arch), weights=weights), 1)
    got = compiled([image.numpy()] if compiled.inputs else [])[0]
    with torch.inference_mode():
        expected = network(image).numpy()
    # In bf16 the error is over .002 of the largest output.
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_settings_arrive():
    compiled = compile_onnx(onnx_model(get_space("nasbench201").graph([3] * 6)), 1)
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1
    assert compiled.get_property("NUM_STREAMS") == 1
    assert compiled.get_property("ENABLE_CPU_PINNING") is False


def test_more_threads_than_there_are_is_refused():
    space = get_space("nasbench201")
    with pytest.raises(ArchcostError, match=r"threads must be at most the .* but got 100000"):
        OpenVinoCpu().load(space, space.parse([0] * 6), "cifar10", 100_000)
