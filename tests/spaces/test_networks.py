"""Runnable networks, and what the layers say of them without building them."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from archcost.spaces.spaces import SPACES

CASES = [(space, dataset) for space in SPACES.values() for dataset in space.dataset_names]
NO_MODULES = ("add", "multiply", "attention", "concat", "split")
CLASSES = {"cifar10": 10, "cifar100": 100, "ImageNet16-120": 120, "ImageNet": 1000}


@pytest.mark.parametrize(("space", "dataset"), CASES, ids=str)
def test_layers_agree_with_the_built_network(space, dataset):
    for ops in space.sample(3, seed=11):
        with torch.device("meta"):  # shapes alone decide
            network = space.network(ops, dataset)
            image = torch.zeros(space.graph(ops, dataset).input_shapes[0])
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            scores = network(image)
        work = space.workload(ops, dataset)
        assert scores.shape == (1, CLASSES[dataset])
        assert work.flops == counter.get_total_flops()
        assert work.params == sum(p.numel() for p in network.parameters())


def output_bytes(network: torch.nn.Module, image: torch.Tensor) -> int:
    """Sum what convolutions, poolings, linear layers, norms and zeros write, by forward hooks."""
    written = []
    for module in network.modules():
        name = type(module).__name__
        if name in (
            "Conv2d",
            "AvgPool2d",
            "AdaptiveAvgPool1d",
            "AdaptiveAvgPool2d",
            "Linear",
            "Zero",
            "LayerNorm",
        ):
            module.register_forward_hook(lambda _m, _i, out: written.append(out.numel() * 4))
    with torch.no_grad():
        network(image)
    return sum(written)


@pytest.mark.parametrize(("space", "dataset"), CASES, ids=str)
def test_activation_bytes_agree_with_hooks(space, dataset):
    for ops in space.sample(3, seed=12):
        with torch.device("meta"):
            image = torch.zeros(space.graph(ops, dataset).input_shapes[0])
            hooked = output_bytes(space.network(ops, dataset), image)
        layers = space.layers(ops, dataset)
        added = sum(layer.output_bytes for layer in layers if layer.kind in NO_MODULES)
        assert space.workload(ops, dataset).activation_bytes == hooked + added


def test_published_size_of_the_first_cell():
    work = SPACES["nasbench201"].workload(0, "cifar10")
    assert work.params == 129_306  # NAS-Bench-201: 0.129306 M
    assert work.flops / 2e6 == pytest.approx(15.64737, abs=2e-5)


def test_shapes_chain():
    for space in SPACES.values():
        for layer in space.layers(space.sample(1, seed=2)[0]):
            if layer.kind == "conv":
                assert layer.h_out == -(-layer.h_in // layer.stride)
            if layer.position is not None:
                assert layer.op in space.op_names


def test_a_dead_cell_ignores_its_input():
    network = SPACES["nasbench201"].network([0, 0, 3, 0, 3, 3])
    with torch.no_grad():
        scores = network(torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(scores[0], scores[1])
