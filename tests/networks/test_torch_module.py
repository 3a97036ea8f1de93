import copy
import pickle

import pytest
import torch
from some_networks import NETWORKS, embedded, mobile
from torch import nn

from archcost.errors import ArchcostError
from archcost.networks import GraphBuilder
from archcost.networks.torch_module import torch_module
from archcost.spaces import get_space


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_shapes_are_those_of_the_graph_for_any_batch(network):
    graph = network()
    module = torch_module(graph)
    for batch in (1, 2):
        image = torch.randn(batch, *graph.input_shapes[0][1:])
        with torch.no_grad():
            results = module(image)
        results = results if isinstance(results, tuple) else (results,)
        assert [r.shape[1:] for r in results] == [shape[1:] for shape in graph.output_shapes]
        assert {len(r) for r in results} == {batch}


def test_it_computes_what_the_same_modules_compute():
    builder = GraphBuilder()
    x = builder.conv(builder.input((3, 9, 9)), 8, 3, stride=2, name="0")
    x = builder.activation(builder.batch_norm(x, name="1"), "hswish")
    x = builder.conv(x, 8, (3, 5), dilation=2, groups=4, bias=True, name="3")
    graph = builder.graph(builder.linear(builder.flatten(builder.global_pool(x)), 5, name="6"))
    expected = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(),
        nn.Conv2d(8, 8, (3, 5), 1, (2, 4), 2, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 5),
    ).eval()  # fmt: skip
    module = torch_module(graph)
    module.load_state_dict(expected.state_dict())
    image = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(module(image), expected(image))


def test_names_of_weights_are_those_of_nodes():
    names = set(torch_module(mobile()).state_dict())
    assert {"stem.conv.weight", "stem.norm.running_mean", "squeeze.bias"} <= names
    state = torch_module(embedded()).state_dict()
    assert state["table"].shape == (11, 4) and torch.all(state["half"] == 0.5)
    assert "half" not in dict(torch_module(embedded()).named_parameters())


def test_embeddings_are_read_at_their_places():
    module = torch_module(embedded())
    places = torch.tensor([[3, 0, 10, 3, 1, 2]])
    with torch.no_grad():
        got = module(places)
        rows = (module.table[places[0]] + 0.5).T[None]
        expected = module.get_submodule("norm")(module.get_submodule("conv")(rows))
    torch.testing.assert_close(got, expected.flatten(1))


def test_modules_can_be_copied_cast_and_pickled():
    module = torch_module(get_space("nasbench201").graph([3, 0, 4, 1, 4, 2]))
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = module(image)
        copied = copy.deepcopy(module).double()
        assert torch.equal(pickle.loads(pickle.dumps(module))(image), expected)
        torch.testing.assert_close(copied(image.double()).float(), expected)
        assert torch.equal(module(image), expected)


def test_unknown_ops_are_refused():
    builder = GraphBuilder()
    x = builder.input((3, 8, 8))
    with pytest.raises(ArchcostError, match=r"to run in torch, but got 'deformable'"):
        torch_module(builder.graph(builder.other("deformable", x, shape=x.shape)))
