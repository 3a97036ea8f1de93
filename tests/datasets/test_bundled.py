import pytest

from archcost.datasets import DEVICES, bundled_tables, load_bundled
from archcost.errors import UnknownNameError
from archcost.simulating.accelerator import load_accelerator

MEASURED = {
    "nasbench201-cpu_onnxruntime": 15_625,
    "nasbench201-cpu_litert": 15_625,
    "nasbench201-cpu_openvino": 5_000,
    "nasbench201-cpu_litert_int8": 3_000,
    "fbnet-cpu_onnxruntime": 5_000,
    "fbnet-cpu_litert": 5_000,
    "fbnet-cpu_openvino": 2_000,
    "natsbench_size-cpu_onnxruntime": 2_000,
    "ofa_mbv3-cpu_onnxruntime": 2_000,
    "autoformer_tiny-cpu_onnxruntime": 2_000,
    **{f"any-cpu_{runtime}": 319 for runtime in ("onnxruntime", "openvino", "litert")},
}
ZIGZAG, VELA = ("edge_tpu_like", "eyeriss_like", "fpga_like"), ("ethos_u55", "ethos_u65")
SIMULATED = {
    **{f"nasbench201-{device}": 15_625 for device in ZIGZAG},
    **{f"fbnet-{device}": 5_000 for device in ZIGZAG},
    **{f"nasbench201-{device}": 2_000 for device in VELA},
    **{f"fbnet-{device}": 500 for device in VELA},
}
LEAST_REPEATABILITY = {
    "nasbench201": 0.98, "fbnet": 0.95, "natsbench_size": 0.999, "ofa_mbv3": 0.99,
    "autoformer_tiny": 0.84, "any": 0.99,
}  # fmt: skip
MOST_BYTES = 12 * 2**20


def test_what_ships():
    tables = bundled_tables()
    assert set(tables) == {*MEASURED, *SIMULATED}
    assert sum(path.stat().st_size for path in tables.values()) < MOST_BYTES


@pytest.mark.parametrize("name", [*MEASURED, *SIMULATED])
def test_every_architecture_of_a_bundled_table_has_its_costs(name):
    table = load_bundled(name)
    space, device = name.split("-")
    metrics = ["energy", "latency"] if device in ZIGZAG else ["latency"]
    keys = sorted(table.keys())
    assert [(key.space, key.device, key.metric) for key in keys] == [
        (space, device, metric) for metric in metrics
    ]
    n_archs = {**MEASURED, **SIMULATED}[name]
    assert [len(table.costs(key)[1]) for key in keys] == [n_archs] * len(keys)
    assert set(table.to_pandas()["kind"]) == {DEVICES[device].kind}


@pytest.mark.parametrize("name", MEASURED)
def test_measured_tables_repeat_themselves_and_say_what_measured_them(name):
    facts = load_bundled(name).provenance.to_dict()
    space, device = name.split("-")
    assert facts["repeatability_spearman"] >= LEAST_REPEATABILITY[space]
    assert facts["repeatability_n_archs"] == MEASURED[name]
    assert f"cpu_{facts['runtime']}" == device
    assert facts["precision"] == DEVICES[device].precision
    assert facts["threads"] == facts["batch_size"] == 1
    assert facts["cpu"]


@pytest.mark.parametrize("name", SIMULATED)
def test_simulated_tables_are_of_the_accelerators_that_ship(name):
    facts = load_bundled(name).provenance.to_dict()
    accelerator = load_accelerator(name.split("-")[1])
    assert facts["accelerator_sha256"] == accelerator.sha256
    assert facts["simulator"] == accelerator.simulator


def test_an_unknown_bundled_table_is_named():
    with pytest.raises(UnknownNameError, match="bundled table must be one of"):
        load_bundled("none")
