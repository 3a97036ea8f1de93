import warnings
from io import BytesIO

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from archcost.errors import ArchcostError, IntegrityError, MissingDataError
from archcost.networks import graph_work
from archcost.networks.onnx_graphs import onnx_model
from archcost.networks.rewrites import deployed
from archcost.reading import read_network
from archcost.reading.onnx_reading import graph_of_onnx
from archcost.zoo import zoo_network


def model_of(nodes, inputs, outputs, constants=(), opset=17):
    def info(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes, "network", [info(*i) for i in inputs.items()], [info(*o) for o in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in dict(constants).items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def floats(*shape):
    return np.ones(shape, dtype=np.float32)


def exported(module, *shapes):
    """Return what torch's exporter writes; no two weights are equal, or it would merge them."""
    generator = torch.Generator().manual_seed(0)
    for tensor in [*module.parameters(), *module.buffers()]:
        if tensor.is_floating_point():
            tensor.data.uniform_(0.5, 1.5, generator=generator)
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), tuple(map(torch.zeros, shapes)), file, dynamo=False, opset_version=17
        )
    return onnx.load_from_string(file.getvalue())


def file_params(graph):
    """Return the parameters of a graph in a file: folded normalisations leave biases."""
    folded = deployed(graph)
    biases = sum(
        node.shape[1]
        for node in folded.nodes
        if "norm" in node.attributes and not node.attributes["bias"]
    )
    return graph_work(folded).params + biases


@pytest.mark.parametrize(
    "name",
    ["resnet18", "mobilenetv3_small_050", "efficientnet_b0", "shufflenet_v2_x0_5", "ghostnet_100",
     "convnext_atto", "vit_tiny_patch16", "mixer_s32", "regnety_002", "squeezenet1_1"],
)  # fmt: skip
def test_what_is_written_is_read(name):
    graph = zoo_network(name)
    read = graph_of_onnx(onnx_model(graph))
    assert graph_work(read).macs == graph_work(graph).macs
    assert graph_work(read).params == file_params(graph)
    assert [node.op for node in read.nodes if node.op != "constant"] == [
        node.op for node in deployed(graph).nodes if node.op != "constant"
    ]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 4, 4, bias=False)
        self.norm = nn.BatchNorm2d(16)
        self.act = nn.Hardswish()
        self.tokens = nn.Parameter(torch.zeros(1, 1, 16))
        self.first, self.second = nn.Linear(16, 32), nn.Linear(32, 16)
        self.last = nn.LayerNorm(16)
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x))).flatten(2).transpose(1, 2)
        x = torch.cat([self.tokens.expand(x.shape[0], -1, -1), x], 1)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        x = x + self.second(nn.functional.gelu(self.first(self.last(x))))
        return nn.functional.silu(x[:, 0])


def test_a_module_and_its_export_have_the_same_work():
    module = Block()
    model = exported(module, (1, 3, 32, 32))
    from_file = graph_of_onnx(model)
    from_module = read_network(module, example=torch.zeros(1, 3, 32, 32))
    assert graph_work(from_file).macs == graph_work(from_module).macs
    assert graph_work(from_file).params == file_params(from_module)

    def kinds(graph):
        return sorted(
            node.attributes.get("kind", node.op) for node in graph.nodes if node.op != "reshape"
        )

    assert kinds(from_file) == kinds(deployed(from_module))


def test_layer_normalisation_of_older_files_is_one_op():
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[-1]),
        helper.make_node("Sub", ["x", "mean"], ["centred"]),
        helper.make_node("Pow", ["centred", "two"], ["square"]),
        helper.make_node("ReduceMean", ["square"], ["variance"], axes=[-1]),
        helper.make_node("Add", ["variance", "epsilon"], ["sum"]),
        helper.make_node("Sqrt", ["sum"], ["root"]),
        helper.make_node("Div", ["centred", "root"], ["quotient"]),
        helper.make_node("Mul", ["quotient", "norm.weight"], ["scaled"]),
        helper.make_node("Add", ["scaled", "norm.bias"], ["y"]),
    ]
    constants = {
        "two": np.array(2.0, dtype=np.float32),
        "epsilon": np.array(1e-6, dtype=np.float32),
        "norm.weight": floats(8),
        "norm.bias": floats(8),
    }
    model = model_of(nodes, {"x": (1, 4, 8)}, {"y": (1, 4, 8)}, constants, opset=13)
    graph = graph_of_onnx(model)
    assert [node.op for node in graph.nodes] == ["input", "layer_norm"]
    assert graph.nodes[1].attributes == {"epsilon": 1e-6, "axes": 1, "affine": True}
    assert graph_work(graph).params == 16


def test_shapes_are_computed_before():
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["batch"]),
        helper.make_node("Unsqueeze", ["batch", "axis"], ["batches"]),
        helper.make_node("Concat", ["batches", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["y"]),
        helper.make_node("MatMul", ["y", "weight"], ["z"]),
    ]
    constants = {
        "zero": np.array(0), "axis": np.array([0]), "rest": np.array([-1]), "weight": floats(48, 5)
    }  # fmt: skip
    model = model_of(nodes, {"x": ("batch", 3, 4, 4)}, {"z": ("batch", 5)}, constants)
    graph = graph_of_onnx(model, batch_size=7)
    assert [node.op for node in graph.nodes] == ["input", "reshape", "linear"]
    assert graph.output_shapes == ((7, 5),)


def test_open_axes():
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    model = model_of(nodes, {"x": ("n", 3, "height", "width")}, {"y": ("n", 3, "h", "w")})
    with pytest.raises(ArchcostError, match=r"axis 2 \('height'\) of 'x' .* --shape 3,224,224"):
        graph_of_onnx(model)
    assert graph_of_onnx(model, shape=(3, 8, 9)).input_shapes == ((1, 3, 8, 9),)
    with pytest.raises(ArchcostError, match="must have 3 numbers after the batch"):
        graph_of_onnx(model, shape=(8, 9))
    two = model_of(
        [helper.make_node("Add", ["x", "z"], ["y"])],
        {"x": (1, 3), "z": (1, 3)}, {"y": (1, 3)},
    )  # fmt: skip
    assert graph_of_onnx(two).input_shapes == ((1, 3), (1, 3))
    with pytest.raises(ArchcostError, match="has 2"):
        graph_of_onnx(two, shape=(3,))


def test_unknown_ops_are_named_with_their_shapes():
    nodes = [helper.make_node("EyeLike", ["x"], ["e"]), helper.make_node("Add", ["x", "e"], ["y"])]
    graph = graph_of_onnx(model_of(nodes, {"x": (4, 4)}, {"y": (4, 4)}))
    assert (graph.nodes[1].op, graph.nodes[1].attributes["kind"]) == ("other", "EyeLike")
    foreign = helper.make_node("Magic", ["x"], ["y"], domain="some.vendor")
    told = model_of([foreign], {"x": (1, 4)}, {"y": (1, 6)})
    assert graph_of_onnx(told).nodes[1].shape == (1, 6)
    untold = model_of([foreign], {"x": (1, 4)}, {"y": (1, "n")})
    with pytest.raises(ArchcostError, match=r"domain 'some\.vendor'"):
        graph_of_onnx(untold)


def test_recurrent_layers():
    nodes = [helper.make_node("LSTM", ["x", "w", "r", "b"], ["y"], hidden_size=20)]
    constants = {"w": floats(1, 80, 10), "r": floats(1, 80, 20), "b": floats(1, 160)}
    graph = graph_of_onnx(model_of(nodes, {"x": (7, 3, 10)}, {"y": (7, 1, 3, 20)}, constants))
    work = graph_work(graph)
    assert work.macs == 7 * 3 * (800 + 1600)
    assert work.params == 800 + 1600 + 160


def test_padding_that_follows_from_the_result():
    nodes = [
        helper.make_node(
            "Conv", ["x", "w"], ["a"], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"
        ),
        helper.make_node("MaxPool", ["a"], ["y"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    ]
    model = model_of(nodes, {"x": (1, 3, 10, 10)}, {"y": (1, 4, 3, 3)}, {"w": floats(4, 3, 3, 3)})
    conv, pool = graph_of_onnx(model).nodes[1:]
    assert conv.attributes["padding"] == ((0, 1), (0, 1))
    assert pool.attributes["padding"] == ((0, 1), (0, 1))


def test_control_flow():
    def branch(name, op):
        out = helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4))
        return helper.make_graph([helper.make_node(op, ["x"], [name])], name, [], [out])

    def model(condition, constants):
        node = helper.make_node(
            "If",
            [condition],
            ["y"],
            then_branch=branch("a", "Relu"),
            else_branch=branch("b", "Abs"),
        )
        first = [] if constants else [helper.make_node("IsNaN", ["x"], ["isnan"])]
        return model_of([*first, node], {"x": (1, 4)}, {"y": (1, 4)}, constants)

    taken = graph_of_onnx(model("fixed", {"fixed": np.array(False)}))
    assert taken.nodes[1].attributes["kind"] == "abs"
    with pytest.raises(ArchcostError, match="must not depend on its input, but If"):
        graph_of_onnx(model("isnan", {}))


def test_files_without_their_weights(tmp_path):
    graph = zoo_network("mobilenetv3_small_050")
    path = tmp_path / "net.onnx"
    onnx.save(
        onnx_model(graph), path, save_as_external_data=True, location="weights", size_threshold=0
    )
    whole = read_network(path)
    (tmp_path / "weights").unlink()
    assert graph_work(read_network(str(path))).macs == graph_work(graph).macs
    assert graph_work(whole).macs == graph_work(graph).macs


def test_refusals(tmp_path):
    with pytest.raises(MissingDataError, match="there must be an ONNX file"):
        read_network(tmp_path / "none.onnx")
    path = tmp_path / "net.onnx"
    path.write_bytes(b"no model at all" * 10)
    with pytest.raises(IntegrityError, match="must be an ONNX file"):
        read_network(path)
    content = onnx_model(zoo_network("mobilenetv3_small_050")).SerializeToString()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(IntegrityError):
        read_network(path)
    path.write_bytes(b"")
    with pytest.raises(IntegrityError, match="must hold nodes"):
        read_network(path)
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    model = model_of(nodes, {"x": (1, 6)}, {"y": (1, 2, 3)}, {"shape": np.array([1, 2, 3])})
    with pytest.raises(ArchcostError, match="shapes must fit"):
        graph_of_onnx(model, batch_size=4)


def test_a_node_of_constants_that_do_not_fit_is_refused():
    nodes = [
        helper.make_node("Reshape", ["weight", "shape"], ["matrix"], name="bad"),
        helper.make_node("MatMul", ["x", "matrix"], ["y"]),
    ]
    constants = {"weight": floats(6), "shape": np.array([2, 4])}
    model = model_of(nodes, {"x": (1, 2)}, {"y": (1, 4)}, constants)
    with pytest.raises(ArchcostError, match=r"Reshape 'bad' of .*which reads constants.*fails"):
        graph_of_onnx(model)


def convolution(weight=(8, 3, 3, 3), shape=(1, 3, 9, 9), **attributes):
    node = helper.make_node("Conv", ["x", "w"], ["y"], **attributes)
    return model_of([node], {"x": shape}, {"y": None}, {"w": floats(*weight)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": (1, 4, 9, 9)}, "shapes must fit|must fit its input"),
        ({"group": 0}, "must fit its input"),
        ({"group": -1}, "must fit its input"),
        ({"group": 3}, "must fit its input"),
        ({"kernel_shape": [5, 5]}, "must fit its input, .* a kernel of .5, 5."),
        ({"dilations": [100, 100]}, "must have sizes from 0 .*the result of Conv"),
        ({"auto_pad": "ALL"}, "auto_pad must be NOTSET, VALID, .* padded by 'ALL'"),
        ({"shape": (1, 3, 2**40, 2**40)}, "an input must have at most 281,474,976,710,656"),
    ],
)
def test_convolutions_that_cannot_be_are_refused(options, message):
    with pytest.raises(ArchcostError, match=message):
        graph_of_onnx(convolution(**options))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"raw_data": b"1234"}, "must hold what it claims, but 'w' .* cannot be read"),
        ({"dims": [-1, 3, 3, 3]}, r"'w' .* claims the shape \(-1, 3, 3, 3\)"),
        ({"dims": [2**40, 2**40]}, "'w' .* claims the shape"),
        ({"data_type": 99}, "must hold what it claims"),
    ],
)
def test_tensors_that_are_not_what_they_claim_are_refused(change, message):
    model = convolution()
    (weight,) = model.graph.initializer
    for name, value in change.items():
        if name == "dims":
            del weight.dims[:]
            weight.dims.extend(value)
        else:
            setattr(weight, name, value)
    with pytest.raises(IntegrityError, match=message):
        graph_of_onnx(model)


LARGE = np.array([10**6, 10**6], np.int64)
BOMBS = {
    "Tile": {"s": LARGE[:1] * 10**5, "k": floats(1)},
    "Expand": {"s": LARGE, "k": floats(1)},
    "ConstantOfShape": {"s": LARGE},
}


@pytest.mark.parametrize("op", BOMBS)
def test_constants_that_would_fill_the_memory_are_not_computed(op):
    constants = BOMBS[op]
    nodes = [
        helper.make_node(op, [name for name in ("k", "s") if name in constants], ["c"]),
        helper.make_node("ReduceMax", ["c"], ["m"], keepdims=0),
        helper.make_node("Add", ["x", "m"], ["y"]),
    ]
    graph = graph_of_onnx(model_of(nodes, {"x": (1, 4)}, {"y": None}, constants))
    assert graph.output_shapes == ((1, 4),)


def test_a_tensor_that_is_given_twice_is_refused():
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Tanh", ["x"], ["y"])]
    with pytest.raises(ArchcostError, match="given once, but Tanh of the model gives 'y' again"):
        graph_of_onnx(model_of(nodes, {"x": (1, 4)}, {"y": None}))
