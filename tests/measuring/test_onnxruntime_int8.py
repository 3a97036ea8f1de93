import logging

import numpy as np
import pytest

from archcost.measuring.onnxruntime_int8 import OnnxRuntimeInt8, quantise
from archcost.networks.onnx_graphs import onnx_model
from archcost.spaces import get_space

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

ARCHS = [
    ("nasbench201", [3, 2, 4, 1, 0, 3]),
    ("nasbench201", [3] * 6),
    ("nasbench201", [0, 3, 4, 1, 4, 2]),  # a pool of zeros beside a path
    ("fbnet", [1, 5, 7] * 7 + [8]),  # groups of channels, and a skip
]


def open_session(model, optimised=None):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if optimised is not None:
        options.optimized_model_filepath = str(optimised)
    return onnxruntime.InferenceSession(model, options)


def count(model, op_type):
    return sum(node.op_type == op_type for node in model.graph.node)


@pytest.mark.parametrize(("name", "arch"), ARCHS)
def test_every_convolution_is_int8_and_the_output_nearly_that_of_fp32(name, arch, tmp_path):
    space = get_space(name)
    fp32 = onnx_model(space.graph(arch))
    rng = np.random.default_rng(1)
    images = rng.standard_normal((6, 1, *space.input_shape())).astype(np.float32)
    before = fp32.SerializeToString()
    int8 = open_session(quantise(fp32, images[:4]), tmp_path / "optimised")
    assert fp32.SerializeToString() == before
    reference = open_session(before)
    for image in images[4:]:
        expected = reference.run(None, {"input": image})[0]
        got = int8.run(None, {"input": image})[0]
        assert np.corrcoef(got[0], expected[0])[0, 1] > 0.99
        assert 0 < np.abs(got - expected).max() < 0.2 * np.abs(expected).max()
    executed = onnx.load(tmp_path / "optimised")
    assert count(executed, "QLinearConv") == count(fp32, "Conv") > 15
    assert count(executed, "QGemm") == 1
    assert count(executed, "Conv") == count(executed, "Relu") == 0


def test_weights_are_int8_by_channel_and_activations_uint8():
    space = get_space("nasbench201")
    image = np.ones((1, 3, 32, 32), dtype=np.float32)
    model = onnx.load_model_from_string(quantise(onnx_model(space.graph([3] * 6)), [image]))
    tensors = {
        tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer
    }
    kernels = [value for value in tensors.values() if value.ndim == 4]
    assert len(kernels) == 97
    assert {kernel.dtype for kernel in kernels} == {np.dtype("int8")}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and tensors.get(node.input[0], image).ndim == 4:
            scales = tensors[node.input[1]]
            if node.input[0] in tensors:
                assert scales.shape == tensors[node.input[0]].shape[:1]
            else:
                assert scales.shape == ()
                assert tensors[node.input[2]].dtype == np.uint8


def test_cell_without_a_path_stays_a_constant():
    space = get_space("nasbench201")
    runtime = OnnxRuntimeInt8()
    for arch in ([0] * 6, [0, 0, 3, 0, 2, 3], [3, 0, 4, 0, 0, 0]):
        arch = space.parse(arch)
        graph = space.graph(arch, "cifar10")
        assert not onnx.load_model_from_string(runtime.serialised(graph)).graph.node
        assert runtime.load(space, arch, "cifar10", 1)() > 0


def test_same_model_each_time_and_nothing_is_logged(caplog, capfd):
    space, runtime = get_space("nasbench201"), OnnxRuntimeInt8()
    arch = space.parse([3, 2, 4, 1, 0, 3])
    with caplog.at_level(logging.WARNING):
        one, other = (runtime.serialised(space.graph(arch, "cifar10")) for _ in range(2))
    runtime.load(space, arch, "cifar10", 1)
    assert one == other
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
