"""What type checkers know of predictions, and that it is so; `make test` runs mypy on this file."""

from collections.abc import Sequence
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import torch

import archcost
from archcost.spaces import NASBench201
from archcost.zoo import zoo_network

Costs = npt.NDArray[np.float64]
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
IDS = [3, 0, 1, 0, 0, 2]
OPS = np.array([IDS], dtype=np.int8)
CONFIG: dict[str, str] = {"dataset": "cifar10", "arch_str": CELL}


def test_one_architecture_is_a_float() -> None:
    assert type(assert_type(archcost.predict(CELL, "eyeriss"), float)) is float
    assert type(assert_type(archcost.predict(1462, "eyeriss"), float)) is float
    assert type(assert_type(archcost.predict(IDS, "eyeriss"), float)) is float
    assert type(assert_type(archcost.predict(CONFIG, "eyeriss"), float)) is float
    pair = assert_type(archcost.predict(CELL, "eyeriss", return_std=True), tuple[float, float])
    assert [type(part) for part in pair] == [float, float]


def test_several_are_an_array() -> None:
    assert assert_type(archcost.predict([IDS, IDS], "eyeriss"), Costs).shape == (2,)
    assert assert_type(archcost.predict([CONFIG], "eyeriss"), Costs).shape == (1,)
    mean, std = assert_type(
        archcost.predict([IDS], "eyeriss", return_std=True), tuple[Costs, Costs]
    )
    assert mean.shape == std.shape == (1,)


def test_an_array_may_have_one_axis() -> None:
    assert assert_type(archcost.predict(OPS, "eyeriss"), Costs | Any).shape == (1,)
    assert type(archcost.predict(OPS[0], "eyeriss")) is float


def test_strings_in_a_list_may_be_op_names() -> None:
    cells: Sequence[str] = [CELL, CELL]
    assert assert_type(archcost.predict(cells, "eyeriss"), Costs | Any).shape == (2,)
    names = [NASBench201().op_names[op] for op in IDS]
    assert type(archcost.predict(names, "eyeriss")) is float


def test_tensors_stay_tensors() -> None:
    ops = torch.tensor([IDS])
    found = assert_type(archcost.predict(ops, "eyeriss"), torch.Tensor)
    assert isinstance(found, torch.Tensor)
    assert len(archcost.predict(ops, "eyeriss", return_std=True)) == 2


def test_a_network_is_a_float() -> None:
    graph = zoo_network("resnet18")
    latency_ms = assert_type(archcost.predict(graph, "cpu_openvino"), float)
    assert type(latency_ms) is float
    mean, std = assert_type(
        archcost.predict("resnet18", "cpu_openvino", return_std=True), tuple[float, float]
    )
    assert mean == latency_ms and std > 0
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU()).eval()
    image = torch.zeros(1, 3, 32, 32)
    own = assert_type(archcost.predict(module, "cpu_openvino", example=image), float)
    assert own < latency_ms


def test_models_know_the_same() -> None:
    model = archcost.load("eyeriss", space="nasbench201")
    assert type(assert_type(model.predict(CELL), float)) is float
    assert assert_type(model.predict([IDS]), Costs).shape == (1,)
    assert len(assert_type(model.predict(CELL, return_std=True), tuple[float, float])) == 2
    assert isinstance(assert_type(model.predict(torch.tensor([IDS])), torch.Tensor), torch.Tensor)
    many = archcost.predict_many(OPS, ["eyeriss", "fpga"])
    assert assert_type(many, Costs).shape == (1, 2)
