"""What was measured are the networks that the code describes today."""

import csv
from pathlib import Path

import pytest

from archcost.networks import graph_work
from archcost.spaces import get_space
from archcost.zoo import is_zoo_name, zoo_network

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
DEVICES = ["cpu_litert", "cpu_onnxruntime", "cpu_openvino"]


def rows_of(device):
    file = RESULTS / f"networks-{device}.csv"
    if not file.exists():
        pytest.skip("measurements are in a checkout only")
    with file.open(newline="") as opened:
        return {row["network"]: row for row in csv.DictReader(opened)}


def test_measured_networks_are_those_of_today():
    rows = rows_of(DEVICES[0])
    for name, row in list(rows.items())[::4]:  # a quarter, for time
        if is_zoo_name(name):
            graph = zoo_network(name)
        else:
            _, space, dataset, arch = name.split("::")
            graph = get_space(space).graph(arch, dataset)
        assert graph.digest.startswith(row["digest"]), name
        assert float(row["gmacs"]) == pytest.approx(graph_work(graph).macs / 1e9, abs=1e-6)
    assert sum(name.startswith("probe_") for name in rows) == 120
    assert len({name.partition("@")[0] for name in rows if "@" in name}) >= 57


def test_devices_have_the_same_networks():
    tables = [rows_of(device) for device in DEVICES]
    for table in tables[1:]:
        assert [(n, r["digest"]) for n, r in table.items()] == [
            (n, r["digest"]) for n, r in tables[0].items()
        ]
    for table in tables:
        assert all(
            float(row["latency_ms"]) > 0 and int(row["rounds"]) >= 8 for row in table.values()
        )
