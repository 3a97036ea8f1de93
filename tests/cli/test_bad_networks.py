"""What ``archcost predict`` says of network files that it cannot read, or not without help."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from archcost.cli.main import main


def info(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def written(path, nodes, inputs, channels=3, external=False, domains=()):
    """Write a file whose nodes read ``x`` and weights ``w`` and give ``y``."""
    weights = numpy_helper.from_array(np.zeros((8, channels, 3, 3), np.float32), "w")
    graph = helper.make_graph(nodes, "net", inputs, [info("y", None)], [weights])
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(name, 1) for name in domains)]
    onnx.save(
        helper.make_model(graph, opset_imports=opsets),
        path,
        save_as_external_data=external,
        location="weights",
        size_threshold=0,
    )


def conv(source="x", result="y"):
    return helper.make_node("Conv", [source, "w"], [result], kernel_shape=[3, 3], pads=[1] * 4)


@pytest.fixture
def answer(tmp_path, monkeypatch, capsys):
    """Call predict on a file of the folder and return what it says."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = main(["predict", *words, "--device", "cpu_onnxruntime"])
        said = capsys.readouterr()
        return said.err if code else f"fine {said.out}{said.err}"

    return call


def test_open_axes_take_a_shape(answer):
    written("net.onnx", [conv()], [info("x", ("n", 3, "height", "width"))])
    said = answer("net.onnx")
    assert "axis 2 ('height') of 'x' of net.onnx has none" in said and "--shape 3,224,224" in said
    assert answer("net.onnx", "--shape", "3,64,64").startswith("fine")
    assert "must have 3 numbers after the batch" in answer("net.onnx", "--shape", "3,64")
    assert "a convolution must fit its input" in answer("net.onnx", "--shape", "4,64,64")


def test_a_batch_of_nothing_is_refused(answer):
    written("net.onnx", [conv()], [info("x", ("n", 3, 32, 32))])
    for size in ("0", "-2"):
        assert f"at least 1, but got {size}" in answer("net.onnx", "--batch", size)
    assert "but has 8; measure such networks" in answer("net.onnx", "--batch", "8")


def test_several_inputs_need_fixed_shapes(answer):
    nodes = [helper.make_node("Concat", ["a", "b"], ["x"], axis=1), conv()]
    written("open.onnx", nodes, [info(name, ("n", 3, "h", "w")) for name in "ab"], channels=6)
    assert "several inputs, with their shapes fixed" in answer("open.onnx")
    assert "has 2: ['a', 'b']" in answer("open.onnx", "--shape", "3,32,32")
    written("fixed.onnx", nodes, [info(name, ("n", 3, 32, 32)) for name in "ab"], channels=6)
    assert "concat" in answer("fixed.onnx")


def test_weights_that_are_not_there_are_not_missed(answer, tmp_path):
    written("net.onnx", [conv()], [info("x", (1, 3, 32, 32))], external=True)
    whole = answer("net.onnx")
    (tmp_path / "weights").unlink()
    assert whole.startswith("fine") and answer("net.onnx") == whole


def test_damaged_and_missing_files_are_named(answer, tmp_path):
    written("net.onnx", [conv()], [info("x", (1, 3, 32, 32))])
    (tmp_path / "half.onnx").write_bytes((tmp_path / "net.onnx").read_bytes()[:300])
    assert "'half.onnx' must be an ONNX file" in answer("half.onnx")
    assert "there must be an ONNX file at 'none.onnx'" in answer("none.onnx")


def test_ops_without_measurement_are_named_and_refused(answer):
    nodes = [conv(result="x0")]
    nodes += [helper.make_node("Wobble", [f"x{i}"], [f"x{i + 1}"], domain="my") for i in range(9)]
    nodes.append(helper.make_node("Relu", ["x9"], ["y"]))
    values = [info(f"x{i}", (1, 8, 32, 32)) for i in range(10)]
    written("net.onnx", nodes, [info("x", (1, 3, 32, 32))], domains=["my"])
    assert "the result of Wobble of net.onnx, is not" in answer("net.onnx")
    model = onnx.load("net.onnx")
    model.graph.value_info.extend(values)
    onnx.save(model, "net.onnx")
    said = answer("net.onnx")
    assert "at most 20 % of a network's cost" in said and "Wobble (" in said
    said = answer("net.onnx", "--extrapolate")
    assert said.startswith("fine") and "widens the interval: Wobble (" in said


def test_control_flow_is_refused(answer):
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node(op, ["x"], [op])], name, [], [info(op, None)]
        )
        for name, op in (("then", "Relu"), ("else", "Abs"))
    }
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["most"], keepdims=0),
        helper.make_node("IsNaN", ["most"], ["isnan"]),
        helper.make_node("If", ["isnan"], ["y"], **branches),
    ]
    written("net.onnx", nodes, [info("x", (1, 3, 32, 32))])
    assert "must not depend on its input, but If of net.onnx does" in answer("net.onnx")
