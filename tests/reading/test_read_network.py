import pytest
import torch

from archcost.errors import ArchcostError, UnknownNameError
from archcost.networks import graph_work
from archcost.reading import read_network
from archcost.zoo import zoo_network


def test_graphs_and_names_of_the_zoo():
    graph = read_network("resnet18@96", batch_size=2)
    assert graph.digest == zoo_network("resnet18@96", batch_size=2).digest
    assert read_network(graph) is graph
    with pytest.raises(ArchcostError, match="cannot be read at 4"):
        read_network(graph, batch_size=4)


@pytest.mark.parametrize("bad", [None, 3, "resnet", [1, 2], {"a": 1}])
def test_what_is_no_network(bad):
    with pytest.raises(ArchcostError, match=r"a network must be a path to an \.onnx file"):
        read_network(bad)


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("net.tflite", {}, r"must be an \.onnx file, but got 'net.tflite'; export the network"),
        ("resnet18", {"shape": (3, 64, 64)}, "shape must not be given where it is not used"),
        ("timm:resnet18", {"shape": (3, 64, 64)}, "shape must not be given where it is not used"),
        ("resnet18", {"example": 5}, "example must not be given where it is not used"),
        ("net.onnx", {"example": 5}, "example must not be given where it is not used"),
        ("resnet18", {"batch_size": -1}, "batch_size must be at least 1, but got -1"),
        ("resnet18", {"batch_size": 1.5}, "batch_size must be an integer, but got 1.5"),
        ("resnet18", {"batch_size": True}, "batch_size must be an integer"),
        ("resnet18", {"batch_size": 10**9}, "batch_size must be at most"),
        ("net.onnx", {"shape": "3x4"}, "shape must be sizes without the batch"),
        ("net.onnx", {"shape": ()}, "shape must be sizes without the batch"),
        ("net.onnx", {"shape": (3, 0, 4)}, "a size of shape must be at least 1, but got 0"),
        ("net.onnx", {"shape": (3, 2.5, 4)}, "a size of shape must be an integer"),
    ],
)  # fmt: skip
def test_options_are_obeyed_or_refused(network, options, message):
    with pytest.raises(ArchcostError, match=message):
        read_network(network, **options)


def test_a_module_is_read_with_one_of_example_and_shape():
    module = torch.nn.Linear(4, 2).eval()
    with pytest.raises(ArchcostError, match="is read with one of example and shape"):
        read_network(module, example=torch.zeros(1, 4), shape=(4,))
    with pytest.raises(ArchcostError, match="has its shapes; give it alone"):
        read_network(read_network(module, shape=(4,)), shape=(4,))


# Parameters and MACs as torchvision's documentation and the papers have them.
PUBLISHED = {
    "timm:resnet50": (25_557_032, 4.09e9),
    "timm:mobilenetv2_100": (3_504_872, 0.30e9),
    "timm:vit_tiny_patch16_224": (5_717_416, 1.26e9),
    "timm:convnext_tiny": (28_589_128, 4.46e9),
    "timm:swin_tiny_patch4_window7_224": (28_288_354, 4.49e9),
    "torchvision:mobilenet_v3_large": (5_483_032, 0.22e9),
    "torchvision:densenet121": (7_978_856, 2.83e9),
    "torchvision:squeezenet1_1": (1_235_496, 0.35e9),
    "torchvision:regnet_y_400mf": (4_344_144, 0.40e9),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_models_of_libraries(name, model_libraries):
    params, macs = PUBLISHED[name]
    work = graph_work(read_network(name))
    assert work.params == params
    assert work.macs == pytest.approx(macs, rel=0.025)


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_large_100", "convnext_atto"])
def test_the_zoo_has_the_work_of_timms_networks(name, model_libraries):
    one, other = (
        graph_work(read_network(f"timm:{name}@160")),
        graph_work(read_network(f"{name}@160")),
    )
    assert (one.macs, one.params) == (other.macs, other.params)


def test_resolutions_of_models(model_libraries):
    graph = read_network("timm:vit_tiny_patch16_224@96", batch_size=2)
    assert graph.input_shapes == ((2, 3, 96, 96),)
    positions = [node for node in graph.nodes if node.name == "pos_embed"]
    assert positions[0].shape == (1, 37, 192)


def test_refusals_of_libraries(model_libraries):
    with pytest.raises(UnknownNameError, match="did you mean 'resnet18' or 'resnet"):
        read_network("timm:resnet81")
    with pytest.raises(ArchcostError, match="must be written like"):
        read_network("torchvision:resnet18@big")
