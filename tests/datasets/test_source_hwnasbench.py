import json
import pickle

import numpy as np
import pytest

from archcost.datasets import CostKey, derive_fpga_energy
from archcost.datasets.source_hwnasbench import FILE, HWNASBENCH, fbnet_block_costs
from archcost.errors import IntegrityError, MissingDataError
from archcost.spaces import FBNet, NASBench201

CELLS, NETWORKS = NASBench201(), FBNet()
CELL_METRICS = (
    "edgegpu_latency", "edgegpu_energy", "raspi4_latency", "edgetpu_latency", "pixel3_latency",
    "eyeriss_latency", "eyeriss_energy", "eyeriss_arithmetic_intensity", "fpga_latency",
    "fpga_energy",
)  # fmt: skip
NETWORK_METRICS = tuple(
    name for name in CELL_METRICS if "edgetpu" not in name and "arith" not in name
)
BLOCK_SHAPES = [(e, k, g) for k in (3, 5) for e, g in ((1, 1), (1, 2), (3, 1), (6, 1))]


def network_blocks(dataset, ops):
    """Spell the blocks of a network as the data README describes them, step by step."""
    if dataset == "cifar100":
        size, stem_stride, strides, head, classes = 32, 1, (1, 1, 2, 2, 1, 2, 1), 1504, 100
    else:
        size, stem_stride, strides, head, classes = 224, 2, (1, 2, 2, 2, 1, 2, 1), 1984, 1000
    keys = [f"ConvNorm_H{size}_W{size}_Cin3_Cout16_kernel3_stride{stem_stride}_group1"]
    size //= stem_stride
    c_in, layer = 16, 0
    for depth, width, first in zip(
        (1, 4, 4, 4, 4, 4, 1), (16, 24, 32, 64, 112, 184, 352), strides, strict=True
    ):
        for i in range(depth):
            stride = 1 if i else first
            shape = f"H{size}_W{size}_Cin{c_in}_Cout{width}"
            if ops[layer] == 8:
                keys.append(f"Skip_{shape}_stride{stride}")
            else:
                expansion, kernel, groups = BLOCK_SHAPES[ops[layer]]
                keys.append(
                    f"ConvBlock_{shape}_exp{expansion}_kernel{kernel}_stride{stride}_group{groups}"
                )
            size //= stride
            c_in, layer = width, layer + 1
    return [
        *keys,
        f"ConvNorm_H{size}_W{size}_Cin{c_in}_Cout{head}_kernel1_stride1_group1",
        f"AvgP_H{size}_W{size}_Cin{head}_Cout{head}_kernel{size}_stride1",
        f"FC_Cin{head}_Cout{classes}",
    ]


def official_layout(seed=0):
    """Make a pickle's content in the layout of the official one, with made-up numbers."""
    rng = np.random.default_rng(seed)
    strings = CELLS.format_many(CELLS.all_ops)
    cells = {}
    for dataset, classes in (("cifar10", 10), ("cifar100", 100), ("ImageNet16-120", 120)):
        cells[dataset] = {name: list(rng.random(CELLS.size) + 0.1) for name in CELL_METRICS}
        for index in range(0, CELLS.size, 5):
            cells[dataset]["edgetpu_latency"][index] = -1
        cells[dataset]["config"] = [
            {"name": "infer.tiny", "C": 16, "N": 5, "arch_str": text, "num_classes": classes}
            for text in strings
        ]
    keys = {
        key
        for dataset in NETWORKS.dataset_names
        for op in range(9)
        for key in network_blocks(dataset, [op] * 22)
    }
    blocks = {name: {key: rng.random() for key in sorted(keys)} for name in NETWORK_METRICS}
    return {"nasbench201": cells, "fbnet": blocks}


@pytest.fixture(scope="module")
def layout():
    return official_layout()


@pytest.fixture(scope="module")
def pickled(layout, tmp_path_factory):
    path = tmp_path_factory.mktemp("hw-nas-bench") / FILE
    path.write_bytes(pickle.dumps(layout, 4))
    return path


@pytest.fixture(scope="module")
def table(pickled):
    return HWNASBENCH.parse(pickled)


def test_every_dataset_device_and_metric_is_read(table):
    assert len(table.keys()) == 3 * 9 + 2 * 8
    assert len(table.select(space="nasbench201")) == 3 * 9 * 15625
    assert len(table.select(space="fbnet")) == 2 * 8 * 5000
    assert {key.metric for key in sorted(table.keys())} == {"latency", "energy"}


@pytest.mark.parametrize("dataset", CELLS.dataset_names)
@pytest.mark.parametrize("name", ["edgegpu_energy", "raspi4_latency", "fpga_energy"])
def test_cells_are_at_their_index(table, layout, dataset, name):
    device, metric = name.split("_")
    ops, cost = table.costs(CostKey("nasbench201", device, metric, dataset))
    np.testing.assert_array_equal(ops, CELLS.all_ops)
    assert cost.tolist() == layout["nasbench201"][dataset][name]


def test_minus_one_is_did_not_compile(table):
    edgetpu = table.select(device="edgetpu", dataset="cifar100")
    assert edgetpu.counts() == {"did_not_compile": 3125, "ok": 12500}


@pytest.mark.parametrize("dataset", NETWORKS.dataset_names)
def test_networks_are_sums_of_their_blocks(table, layout, pickled, dataset):
    key = CostKey("fbnet", "edgegpu", "energy", dataset)
    published = layout["fbnet"]["edgegpu_energy"]
    fixed, chosen = fbnet_block_costs(pickled, key)
    ops, cost_mj = table.costs(key)
    for row in (0, 17, 4999):
        expected = sum(published[name] for name in network_blocks(dataset, ops[row]))
        assert cost_mj[row] == pytest.approx(expected, rel=1e-12)
        assert fixed + chosen[np.arange(22), ops[row]].sum() == pytest.approx(expected, rel=1e-12)


def test_published_energy_is_not_derived_again(table):
    assert derive_fpga_energy(table) is None


def test_lists_arrays_and_dicts_are_the_same(layout, table, tmp_path):
    cells = layout["nasbench201"]["cifar10"]
    part = {name: np.array(cells[name]) for name in CELL_METRICS}
    part["config"] = dict(enumerate(cells["config"]))
    path = tmp_path / FILE
    path.write_bytes(pickle.dumps({"nasbench201": {"cifar10": part}}, 2))
    same = table.select(space="nasbench201", dataset="cifar10")
    assert HWNASBENCH.parse(tmp_path).sha256 == same.sha256


def test_damaged_layouts_are_refused(layout, tmp_path):
    path = tmp_path / FILE
    with pytest.raises(MissingDataError, match="archcost data fetch"):
        HWNASBENCH.parse(tmp_path)
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(IntegrityError, match="must hold a dict with 'nasbench201' and 'fbnet'"):
        HWNASBENCH.parse(path)
    blocks = dict(layout["fbnet"]["fpga_latency"])
    gone = blocks.popitem()[0]
    path.write_bytes(pickle.dumps({"fbnet": {"fpga_latency": blocks}}))
    with pytest.raises(IntegrityError, match=f"1 are missing, such as '{gone}'"):
        HWNASBENCH.parse(path)
    with pytest.raises(IntegrityError, match="no block costs for fbnet-raspi4"):
        fbnet_block_costs(path, CostKey("fbnet", "raspi4", "latency", "cifar100"))
    path.write_bytes(pickle.dumps({"nasbench201": {"cifar10": {"fpga_latency": [1.0]}}}))
    with pytest.raises(IntegrityError, match="must hold a 'config' for cifar10"):
        HWNASBENCH.parse(path)


def test_the_published_examples_follow_the_facts_we_use(real_tables):
    examples = json.loads((real_tables / "hw-nas-bench/example_outputs.json").read_text())
    assert len(examples) == 15
    for example in examples:
        metrics = example["metrics"]
        assert metrics["fpga_energy"] == pytest.approx(7.0 * metrics["fpga_latency"], rel=1e-12)


def test_the_published_examples_are_in_help_s_table(real_tables):
    from archcost.datasets.source_help import HELP

    table = HELP.parse(real_tables / "help")
    examples = json.loads((real_tables / "hw-nas-bench/example_outputs.json").read_text())
    checked = 0
    for example in examples:
        if example["dataset"] != "cifar10":
            continue
        for device in ("eyeriss", "fpga", "pixel3", "raspi4"):
            _, latency_ms = table.costs(CostKey("nasbench201", device, "latency", "cifar10"))
            assert latency_ms[example["arch_index"]] == example["metrics"][f"{device}_latency"]
            checked += 1
    assert checked == 12
