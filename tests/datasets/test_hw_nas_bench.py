"""The drop-in for HW-NAS-Bench: its published outputs, predictions in their place, errors."""

import inspect
import json
import math
import pickle

import numpy as np
import pytest

from archcost.datasets import HWNASBench, PredictedCost, network_from_config
from archcost.datasets.fbnet_blocks import network_keys
from archcost.datasets.hw_nas_bench import PRODUCT, PUBLISHED_METRICS
from archcost.errors import ArchitectureError, IntegrityError, MissingDataError, UnknownNameError
from archcost.spaces import FBNet, NASBench201

CELLS, NETS = NASBench201(), FBNet()
DATASETS = ("cifar10", "cifar100", "ImageNet16-120")


@pytest.fixture(autouse=True)
def empty_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHCOST_DATA_DIR", str(tmp_path / "nothing"))


@pytest.fixture(scope="session")
def published(real_tables):
    return json.loads((real_tables / "hw-nas-bench" / "example_outputs.json").read_text())


def pickled(path, content):
    path.write_bytes(pickle.dumps(content))
    return path


def config(index, dataset):
    classes = {"cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}[dataset]
    return {
        "name": "infer.tiny", "C": 16, "N": 5, "arch_str": CELLS.format(index),
        "num_classes": classes,
    }  # fmt: skip


def cells_pickle(path, rows):
    """Write published rows, {dataset: [metrics, ...]}, in the official layout."""
    return pickled(path, {
        "nasbench201": {
            dataset: {
                "config": [config(index, dataset) for index in range(len(metrics))],
                **{name: np.array([row[name] for row in metrics]) for name in metrics[0]},
            }
            for dataset, metrics in rows.items()
        },
    })  # fmt: skip


@pytest.fixture
def nine(tmp_path, published):
    rows = {
        dataset: [
            {name: value for name, value in entry["metrics"].items() if name != PRODUCT}
            for entry in published
            if entry["dataset"] == dataset and entry["search_space"] == "nasbench201"
        ]
        for dataset in DATASETS
    }
    return cells_pickle(tmp_path / "nine.pickle", rows)


@pytest.fixture
def blocks(tmp_path):
    rng = np.random.default_rng(0)
    keys = {
        key
        for dataset in NETS.dataset_names
        for op in range(9)
        for key in network_keys(np.full(22, op), dataset)
    }
    tables = {
        name: {key: float(rng.uniform(0.1, 2)) for key in sorted(keys)}
        for name in PUBLISHED_METRICS["fbnet"]
    }
    return pickled(tmp_path / "blocks.pickle", {"fbnet": tables}), tables


def test_the_published_cells(nine, published):
    bench = HWNASBench(nine, search_space="nasbench201")
    for entry in published:
        if entry["search_space"] == "nasbench201":
            answer = bench.query_by_index(entry["arch_index"], entry["dataset"])
            assert type(answer) is dict
            assert list(answer.items()) == list(entry["metrics"].items())
            assert {type(value) for value in answer.values()} == {float}


def test_a_cell_by_string_or_config(nine):
    bench = HWNASBench(nine)
    by_index = bench.query_by_index(2, "cifar100")
    assert bench.query_by_index(CELLS.format(2), "cifar100") == by_index
    assert bench.query_by_index(bench.get_net_config(2, "cifar100"), "cifar100") == by_index
    assert bench.query_by_index(np.int64(2), "cifar100") == by_index


def test_cells_that_did_not_compile_stay_as_published(tmp_path):
    row = dict.fromkeys(PUBLISHED_METRICS["nasbench201"], 2.0)
    path = cells_pickle(tmp_path / "p.pickle", {"cifar10": [row | {"edgetpu_latency": -1}]})
    answer = HWNASBench(path).query_by_index(0, "cifar10")
    assert answer["edgetpu_latency"] == -1.0
    assert answer[PRODUCT] == -(2.0**8)


def test_networks_are_sums_of_blocks_left_to_right(blocks):
    path, tables = blocks
    bench = HWNASBench(path, search_space="fbnet")
    for ops in NETS.sample(5, seed=1):
        for dataset in NETS.dataset_names:
            answer = bench.query_by_index(ops.tolist(), dataset)
            for name, table in tables.items():
                total = 0.0
                for key in network_keys(ops, dataset):
                    total += table[key]
                assert answer[name] == total
            assert list(answer) == [*PUBLISHED_METRICS["fbnet"], PRODUCT]
            assert answer[PRODUCT] == math.prod(answer[name] for name in tables)
    assert bench.query_by_index(NETS.format(ops), dataset) == answer
    assert bench.get_op_lookup_tables() == tables
    assert list(bench.get_op_lookup_tables()) == list(PUBLISHED_METRICS["fbnet"])
    assert bench.HW_metrics["fbnet"] == tables


def test_block_keys_are_the_published_ones():
    keys = network_keys(NETS.parse([0] + [3] * 20 + [8]), "cifar100")
    assert keys[0] == "ConvNorm_H32_W32_Cin3_Cout16_kernel3_stride1_group1"
    assert keys[1] == "ConvBlock_H32_W32_Cin16_Cout16_exp1_kernel3_stride1_group1"
    assert keys[-4] == "Skip_H4_W4_Cin184_Cout352_stride1"
    assert keys[-2:] == ["AvgP_H4_W4_Cin1504_Cout1504_kernel4_stride1", "FC_Cin1504_Cout100"]


def test_the_published_networks_through_a_fitted_lookup(published, real_tables):
    from archcost.datasets.source_help import parse
    from archcost.predictors import PREDICTORS

    table = parse(real_tables / "help").select(space="fbnet")
    models = {}
    for device in ("eyeriss", "fpga", "pixel3", "raspi4"):
        ops, latency_ms = table.costs(f"fbnet-{device}-latency-cifar100")
        models[device] = PREDICTORS["lookup"]().fit(ops, latency_ms)

    def fallback(arch, device, metric, dataset):
        known = device in models and metric == "latency" and dataset == "cifar100"
        return models[device].predict([arch])[0] if known else None

    bench = HWNASBench(search_space="fbnet", fallback=fallback)
    for entry in published:
        if entry["search_space"] == "fbnet" and entry["dataset"] == "cifar100":
            answer = bench.query_by_index(entry["arch_index"], "cifar100")
            assert list(answer) == list(entry["metrics"])
            for device in models:
                value = answer[f"{device}_latency"]
                assert value == pytest.approx(entry["metrics"][f"{device}_latency"], abs=1e-6)
                assert isinstance(value, PredictedCost)
            assert answer["edgegpu_latency"] is None
            assert answer[PRODUCT] is None


def test_the_published_networks_through_the_pretrained_models(published):
    import archcost

    bench = HWNASBench(search_space="fbnet", fallback=archcost.predict)
    for entry in published:
        if entry["search_space"] == "fbnet" and entry["dataset"] == "cifar100":
            answer = bench.query_by_index(entry["arch_index"], "cifar100")
            for device in ("eyeriss", "fpga", "pixel3", "raspi4"):
                name = f"{device}_latency"
                assert answer[name] == pytest.approx(entry["metrics"][name], abs=1e-6)


def test_the_official_pickle(published, real_tables):
    path = real_tables / "hw-nas-bench" / "HW-NAS-Bench-v1_0.pickle"
    if not path.is_file():
        pytest.skip(f"the official pickle is not at {path}")
    for entry in published:
        bench = HWNASBench(path, search_space=entry["search_space"])
        answer = bench.query_by_index(entry["arch_index"], entry["dataset"])
        assert list(answer.items()) == list(entry["metrics"].items())


def test_predictions_are_marked_and_multiply(nine):
    bench = HWNASBench(nine, fallback=lambda arch, device, metric, dataset: 2.0)
    assert type(bench.query_by_index(0, "cifar10")["raspi4_latency"]) is float
    answer = bench.query_by_index(3, "cifar10")  # beyond the pickle
    assert answer["eyeriss_arithmetic_intensity"] is None
    assert answer[PRODUCT] == 2.0**9
    assert isinstance(answer[PRODUCT], PredictedCost)
    assert json.loads(json.dumps(answer))[PRODUCT] == 512.0
    assert pickle.loads(pickle.dumps(answer)) == answer
    assert repr(answer["fpga_energy"]) == "PredictedCost(2.0)"
    assert f"{answer['fpga_energy']:.2f}" == "2.00"


def test_what_no_model_covers_is_none():
    def predict(arch, device, metric="latency", *, space=None, dataset=None):
        if device == "raspi4" and dataset == "cifar10":
            return 5.0
        raise UnknownNameError("no model")

    bench = HWNASBench(fallback=predict)
    answer = bench.query_by_index(0, "cifar10")
    assert answer["raspi4_latency"] == 5.0
    assert {name for name, cost in answer.items() if cost is None} == set(answer) - {
        "raspi4_latency"
    }


def test_the_face_serves_as_fallback():
    import archcost

    parameters = inspect.signature(archcost.predict).parameters
    assert list(parameters)[:3] == ["arch", "device", "metric"]
    answer = HWNASBench(fallback=archcost.predict).query_by_index(0, "cifar10")
    assert list(answer) == [*PUBLISHED_METRICS["nasbench201"], PRODUCT]


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_cells_config_is_the_published_one_and_runs(nine, dataset):
    import torch

    bench = HWNASBench(nine)
    assert bench.get_net_config(1, dataset) == config(1, dataset)
    assert bench.get_net_config(15_624, dataset) == config(15_624, dataset)
    bench.get_net_config(1, dataset)["C"] = 0  # a copy
    network = network_from_config(bench.get_net_config(1, dataset))
    logits = network(torch.zeros(1, *CELLS.input_shape(dataset)))
    assert logits.shape == (1, config(1, dataset)["num_classes"])


def test_a_networks_config_is_the_published_one_and_runs():
    import torch

    bench = HWNASBench(search_space="fbnet")
    ops = [*range(9), *range(9), 0, 1, 2, 3]
    given = bench.get_net_config(ops, "cifar100")
    assert given == {
        "dataset": "cifar100",
        "num_classes": 100,
        "op_idx_list": ops,
        "arch_str": [NETS.op_names[op] for op in ops],
    }
    assert list(given) == ["dataset", "num_classes", "op_idx_list", "arch_str"]
    assert bench.get_net_config(ops, "ImageNet")["num_classes"] == 1000
    assert network_from_config(given)(torch.zeros(1, 3, 32, 32)).shape == (1, 100)


def test_the_originals_keyword_and_a_dict(nine, published):
    with nine.open("rb") as file:
        content = pickle.load(file)
    entry = published[0]
    expected = HWNASBench(nine).query_by_index(entry["arch_index"], entry["dataset"])
    for given in (nine, str(nine), content):
        bench = HWNASBench(file_path_or_dict=given, search_space="nasbench201")
        assert bench.query_by_index(entry["arch_index"], entry["dataset"]) == expected
    with pytest.raises(UnknownNameError, match="file_path_or_dict must be a path, or the dict"):
        HWNASBench([1, 2])
    with pytest.raises(IntegrityError, match="the dict must hold a dict with 'nasbench201' or"):
        HWNASBench({"nasbench301": {}})
    with pytest.raises(IntegrityError, match=r"'nasbench201' .* must be a dict"):
        HWNASBench({"nasbench201": 5})


def test_a_config_of_another_dataset_is_refused(nine):
    bench = HWNASBench(nine)
    given = bench.get_net_config(1, "cifar100")
    for ask in (bench.query_by_index, bench.get_net_config):
        ask(given, "cifar100")
        with pytest.raises(ArchitectureError, match=r"asked for, cifar10, but .* is of cifar100"):
            ask(given, "cifar10")
    with pytest.raises(ArchitectureError, match="num_classes of a config must be one of"):
        network_from_config({"arch_str": CELLS.format(0)})


def test_without_a_pickle_it_says_how_to_get_it(tmp_path, nine):
    with pytest.raises(MissingDataError, match="archcost data fetch hw-nas-bench"):
        HWNASBench().query_by_index(0, "cifar10")
    with pytest.raises(MissingDataError, match=r"fallback=archcost\.predict"):
        HWNASBench(nine).query_by_index(3, "cifar10")
    with pytest.raises(MissingDataError, match=r"none\.pickle"):
        HWNASBench(tmp_path / "none.pickle")
    with pytest.raises(MissingDataError, match="block costs of fbnet"):
        HWNASBench(search_space="fbnet").get_op_lookup_tables()


def test_wrong_requests_are_refused(nine, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'fbnet'"):
        HWNASBench(search_space="fbnets")
    with pytest.raises(UnknownNameError, match="must be 'fbnet' for lookup tables"):
        HWNASBench(nine).get_op_lookup_tables()
    with pytest.raises(UnknownNameError, match="dataset of nasbench201"):
        HWNASBench(nine).query_by_index(0, "cifar1")
    for index in (-1, 15_625):
        with pytest.raises(ArchitectureError, match="between 0 and 15624"):
            HWNASBench(nine).query_by_index(index, "cifar10")
    with pytest.raises(IntegrityError, match="lays it out"):
        HWNASBench(pickled(tmp_path / "list.pickle", [1, 2]))
    with pytest.raises(ArchitectureError, match="num_classes of a config"):
        network_from_config({"arch_str": CELLS.format(0), "num_classes": 11})


def test_a_pickle_never_runs_code(tmp_path):
    with pytest.raises(IntegrityError, match="nothing was run"):
        HWNASBench(pickled(tmp_path / "evil.pickle", {"nasbench201": print}))


def test_the_pickle_in_the_data_folder_is_found(monkeypatch, nine, tmp_path):
    folder = tmp_path / "data" / "hw-nas-bench"
    folder.mkdir(parents=True)
    (folder / "HW-NAS-Bench-v1_0.pickle").write_bytes(nine.read_bytes())
    monkeypatch.setenv("ARCHCOST_DATA_DIR", str(tmp_path / "data"))
    assert HWNASBench().query_by_index(0, "cifar10")["fpga_latency"] == 2.57296
