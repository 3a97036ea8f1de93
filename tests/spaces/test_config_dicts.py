"""Config dicts of HW-NAS-Bench: every entry is obeyed or refused."""

from collections import UserList, deque

import numpy as np
import pandas as pd
import pytest

import archcost
from archcost.datasets import CostTable, network_from_config
from archcost.errors import ArchcostError, ArchitectureError, UnknownNameError
from archcost.spaces import FBNet, NASBench201, get_space, infer_space

CELLS, NETS = NASBench201(), FBNet()
CELL = CELLS.format(0)
CONFIG = {"name": "infer.tiny", "C": 16, "N": 5, "arch_str": CELL, "num_classes": 10}
NET = {"dataset": "cifar100", "num_classes": 100, "op_idx_list": [0] * 22}


@pytest.mark.parametrize(
    ("config", "dataset"),
    [
        (CONFIG, "cifar10"),
        (CONFIG | {"num_classes": 100}, "cifar100"),
        (CONFIG | {"num_classes": 120}, "ImageNet16-120"),
        ({"arch_str": CELL, "dataset": "imagenet16-120"}, "ImageNet16-120"),
        ({"arch_str": CELL}, "cifar10"),
    ],
)
def test_a_config_of_a_cell_names_its_dataset(config, dataset):
    assert CELLS.dataset_of(config) == CELLS.dataset_of([config, config]) == dataset
    assert CELLS.dataset_of(config, dataset) == dataset
    assert CELLS.parse(config, dataset).tolist() == CELLS.parse(0).tolist()
    other = "cifar100" if dataset == "cifar10" else "cifar10"
    if len(config) > 1:
        for ask in (CELLS.dataset_of, CELLS.parse):
            with pytest.raises(ArchitectureError, match="must be of the dataset that is asked for"):
                ask(config, other)
        with pytest.raises(ArchitectureError, match=rf"asked for, {other}, but .* {dataset}"):
            CELLS.parse_many([CELL, config], other)


@pytest.mark.parametrize("hold", [list, tuple, deque, pd.Series, UserList, np.array])
def test_whatever_holds_configs_their_dataset_is_obeyed_or_refused(hold):
    config = CONFIG | {"num_classes": 100}
    assert CELLS.dataset_of(hold([config, config])) == "cifar100"
    with pytest.raises(ArchitectureError, match="must be of the dataset that is asked for"):
        archcost.predict_many(hold([config]), ["raspi4", "eyeriss"], dataset="cifar10")
    with pytest.raises(ArchcostError, match="cifar100"):
        archcost.predict_many(hold([config]), ["raspi4", "eyeriss"])


def test_a_config_of_a_network_names_its_dataset():
    assert NETS.dataset_of(NET) == "cifar100"
    assert NETS.dataset_of({"op_idx_list": [0] * 22, "num_classes": 1000}) == "ImageNet"
    assert NETS.dataset_of([0] * 22, "imagenet") == "ImageNet"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"C": 32}, "C of a config of nasbench201 must be 16, .* but got 32"),
        ({"C": True}, "C of a config of nasbench201 must be 16"),
        ({"N": 1}, "N of a config of nasbench201 must be 5, .* but got 1"),
        ({"name": "infer.shape.tiny"}, "name of a config of nasbench201 must be 'infer.tiny'"),
        ({"num_classes": 11}, r"must be one of \[10, 100, 120\], but got 11"),
        ({"num_classes": 10.0}, r"must be one of \[10, 100, 120\], but got 10.0"),
        ({"num_classes": None}, r"must be one of \[10, 100, 120\], but got None"),
        ({"num_classes": 10, "dataset": "cifar100"}, r"must be one of \[100\] on cifar100, but"),
        ({"batch_size": 8}, "must hold nothing but .* but got 'batch_size'.*leave it out"),
    ],
)
def test_what_a_config_cannot_have_is_refused(change, message):
    config = CONFIG | change
    with pytest.raises(ArchitectureError, match=message):
        CELLS.parse(config)
    with pytest.raises(ArchitectureError, match=message):
        archcost.predict(config, "raspi4")
    with pytest.raises(ArchitectureError, match=message):
        network_from_config(config)


def test_a_config_of_a_network_must_agree_with_itself():
    names = ["k3_e1"] * 21 + ["skip"]
    with pytest.raises(ArchitectureError, match=r"arch_str .* must name the ops of op_idx_list"):
        NETS.parse(NET | {"arch_str": names})
    with pytest.raises(
        ArchitectureError, match=r"must be one of \[100\] on cifar100, but got 1000"
    ):
        NETS.parse(NET | {"num_classes": 1000})
    with pytest.raises(UnknownNameError, match="dataset of fbnet must be one of"):
        archcost.predict(NET | {"dataset": "cifar10"}, "raspi4")
    with pytest.raises(ArchitectureError, match="must hold nothing but"):
        NETS.parse(NET | {"C": 16})


def test_predict_uses_the_dataset_of_a_config_or_refuses():
    cost = archcost.predict(0, "raspi4")
    assert archcost.predict(CONFIG, "raspi4") == cost
    assert archcost.predict([CONFIG, CONFIG], "raspi4").tolist() == [cost, cost]
    assert archcost.predict(CONFIG, "raspi4", dataset="cifar10") == cost
    assert archcost.predict_many(CONFIG, ["raspi4", "fpga"])[0] == cost
    imagenet = {"dataset": "ImageNet", "num_classes": 1000, "op_idx_list": [0] * 22}
    classes = CONFIG | {"num_classes": 120}
    for config in (imagenet, classes, [classes], [classes, classes]):
        with pytest.raises(UnknownNameError, match=r"dataset of raspi4 latency must be one of \['"):
            archcost.predict(config, "raspi4")
        with pytest.raises(UnknownNameError, match="dataset of raspi4 latency must be one of"):
            archcost.predict_many(config, ["raspi4", "fpga"])
    model = archcost.load("raspi4")
    for config in (classes, [CONFIG, classes], [0, classes]):
        with pytest.raises(ArchitectureError):
            model.predict(config)
    for space in ("nasbench201", CELLS):
        with pytest.raises(UnknownNameError, match="imagenet16_120"):
            archcost.predict(classes, "raspi4", space=space)
    with pytest.raises(ArchitectureError, match="asked for, cifar10, but"):
        archcost.predict(classes, "raspi4", dataset="cifar10")
    with pytest.raises(ArchitectureError, match="asked for, cifar10, but"):
        archcost.predict_many([CONFIG, classes], ["raspi4"])


def test_a_table_refuses_configs_of_another_dataset():
    options = {"device": "b"}
    assert len(CostTable.from_costs(CELLS, [CONFIG], [1.0], **options)) == 1
    other = CONFIG | {"num_classes": 100}
    with pytest.raises(ArchitectureError, match=r"architecture 0: .*asked for, cifar10, but"):
        CostTable.from_costs(CELLS, [other], [1.0], **options)
    assert len(CostTable.from_costs(CELLS, [other], [1.0], dataset="cifar100", **options)) == 1


@pytest.mark.parametrize("odd", [1j, np.timedelta64(3), 10**400, float("nan"), float("inf")])
def test_odd_choices_are_refused(odd):
    config = {"ks": [odd] + [3] * 19, "e": [3] * 20, "d": [2] * 5, "r": [160]}
    with pytest.raises(ArchitectureError, match="must be one of"):
        get_space("ofa_mbv3").parse(config)


def test_an_array_without_an_axis_is_no_list_of_choices():
    config = {"ks": np.array(3), "e": [3] * 20, "d": [2] * 5, "r": [160]}
    with pytest.raises(ArchitectureError, match=r"'ks' .* must list 20 numbers"):
        get_space("ofa_mbv3").parse(config)


@pytest.mark.parametrize("odd", [np.array(3.0), np.array("x"), np.array(object())])
def test_arrays_without_an_axis_among_architectures_are_refused(odd):
    with pytest.raises(ArchitectureError):
        infer_space([odd])
