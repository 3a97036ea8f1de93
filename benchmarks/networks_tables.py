"""Make the bundled tables of any networks from what ``networks_measure.py`` measured.

Usage: ``python benchmarks/networks_tables.py [DEVICE ...]``

Reads ``benchmarks/results/networks-DEVICE.csv`` and ``.json`` and writes
``datasets/bundled/any-DEVICE.parquet``: costs by the digest of each network's graph, with the
graphs and the names that the networks were measured under.
"""

import argparse
import csv
import json
from pathlib import Path

from networks_measure import RESULTS, graph_of

from archcost.datasets import CostTable
from archcost.spaces.known_networks import KNOWN

BUNDLED = Path(__file__).parent.parent / "datasets" / "bundled"
DEVICES = ("cpu_onnxruntime", "cpu_openvino", "cpu_litert")


def table_of(device: str) -> CostTable:
    """Return the table of a device; every graph must have the digest that was measured."""
    with (RESULTS / f"networks-{device}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    facts = json.loads((RESULTS / f"networks-{device}.json").read_text())
    del facts["device"], facts["n_failed"]
    facts["repeatability_n_archs"] = facts.pop("n_networks")
    graphs = []
    for row in rows:
        graph = graph_of(row["network"])
        assert graph.digest.startswith(row["digest"]), row["network"]
        KNOWN.add(graph, row["network"])
        graphs.append(graph)
    return CostTable.from_costs(
        "any",
        graphs,
        [float(row["latency_ms"]) for row in rows],
        device=device,
        cost_std=[float(row["latency_std_ms"]) for row in rows],
        n_repeats=[int(row["rounds"]) for row in rows],
        provenance=facts,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("devices", nargs="*", default=DEVICES)
    for name in parser.parse_args().devices:
        path = table_of(name).write(BUNDLED / f"any-{name}.parquet")
        print(path, path.stat().st_size)
