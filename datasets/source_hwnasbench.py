"""HW-NAS-Bench's official pickle: six devices, both spaces, all datasets, latency and energy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.datasets.cost_key import METRICS, CostKey
from archcost.datasets.cost_table import CostTable
from archcost.datasets.fbnet_blocks import block_costs, covered_datasets, sum_blocks
from archcost.datasets.pickles import load_pickle
from archcost.datasets.source import Source, SourceFile
from archcost.datasets.table_rows import column_rows
from archcost.errors import IntegrityError
from archcost.spaces.fbnet import FBNet

COMMIT = "393bb8a02554dcd28e091fbbdb4d7aefe590018a"
FILE = "HW-NAS-Bench-v1_0.pickle"
GIT_BLOB = "b0634cb7f6e7be07192c77833df9eafa4baf705e"
DID_NOT_COMPILE = -1.0
N_FBNET = 5000
"""FBNet networks that get rows; being sums of block costs, these fix every other network's cost."""


def parse(path: str | Path) -> CostTable:
    """Read the official pickle; nothing in it is run.

    Every NAS-Bench-201 cell gets a row for each device, metric and dataset. FBNet costs are
    published by block: 5,000 networks, drawn with a fixed seed, get the sums, and
    `fbnet_block_costs` gives the blocks. The arithmetic intensity of Eyeriss is no cost and is
    left out.

    Parameters
    ----------
    path : str or Path
        The pickle, or the folder that holds it.

    Returns
    -------
    CostTable
        Latency (ms) and energy (mJ); null with status ``did_not_compile`` where there is none.

    Raises
    ------
    MissingDataError
        If there is no such file.
    IntegrityError
        If the file is damaged, names a foreign class, or has another layout.
    """
    data = _load(path)
    tables = [_cells(dataset, entries) for dataset, entries in data.get("nasbench201", {}).items()]
    if "fbnet" in data:
        tables.append(_networks(data["fbnet"]))
    return CostTable.concat(tables)


def fbnet_block_costs(path: str | Path, key: CostKey) -> tuple[float, npt.NDArray[np.float64]]:
    """Read the exact additive form of an FBNet cost from the official pickle.

    Parameters
    ----------
    path : str or Path
        The pickle, or the folder that holds it.
    key : CostKey
        Such as ``CostKey("fbnet", "edgegpu", "energy", "imagenet")``.

    Returns
    -------
    fixed : float
        Cost of stem and head, in ``key.unit``.
    chosen : numpy.ndarray of float64, shape (22, 9)
        Cost of each op at each layer; a network costs `fixed` plus one number of each row.
    """
    blocks = _load(path).get("fbnet", {}).get(f"{key.device}_{key.metric}")
    if blocks is None:
        raise IntegrityError(f"{path} holds no block costs for {key}")
    return block_costs(blocks, key.dataset)


def _load(path: str | Path) -> dict[str, Any]:
    path = Path(path)
    path = path / FILE if path.is_dir() else path
    data = load_pickle(path)
    if not isinstance(data, dict) or not {"nasbench201", "fbnet"} & set(data):
        raise IntegrityError(
            f"{path} must hold a dict with 'nasbench201' and 'fbnet', as HW-NAS-Bench lays it out"
        )
    return data


def _cells(dataset: str, entries: Mapping[str, Any]) -> CostTable:
    """Return the costs of NAS-Bench-201 cells on a dataset; the configs say which cells."""
    if "config" not in entries:
        raise IntegrityError(
            f"the pickle must hold a 'config' for {dataset}, which says what the costs are of, "
            f"but it holds {sorted(entries)}"
        )
    columns = {
        CostKey("nasbench201", device, metric, dataset): np.array(
            _in_order(published), dtype=np.float64
        )
        for device, metric, published in _costs_of(entries)
    }
    for cost in columns.values():
        cost[cost == DID_NOT_COMPILE] = np.nan
    archs = [config["arch_str"] for config in _in_order(entries["config"])]
    return CostTable(column_rows(archs, columns, missing_status="did_not_compile"), _provenance())


def _networks(metrics: Mapping[str, Any]) -> CostTable:
    """Return the costs of a fixed sample of FBNet networks on every dataset that has blocks."""
    space = FBNet()
    networks = space.sample(N_FBNET, seed=0)
    columns = {}
    for device, metric, blocks in _costs_of(metrics):
        for dataset in covered_datasets(blocks):
            key = CostKey("fbnet", device, metric, dataset)
            columns[key] = sum_blocks(networks, *block_costs(blocks, dataset))
    return CostTable(column_rows(networks, columns), _provenance())


def _costs_of(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield device, metric and costs of the entries that are costs, such as ``fpga_energy``."""
    for name, costs in metrics.items():
        device, _, metric = name.rpartition("_")
        if metric in METRICS:
            yield device, metric, costs


def _in_order(entries: Any) -> list[Any]:
    """Return a list as it is, and the values of a dict in the order of its indices."""
    if isinstance(entries, Mapping):
        return [entries[index] for index in sorted(entries)]
    return list(entries)


def _provenance() -> dict[str, str]:
    return {"source": HWNASBENCH.name, "url": HWNASBENCH.homepage, "commit": COMMIT}


HWNASBENCH = Source(
    name="hw-nas-bench",
    title="HW-NAS-Bench: latency and energy on six edge devices (official pickle)",
    folder="hw-nas-bench",
    homepage="https://github.com/GATECH-EIC/HW-NAS-Bench",
    base_url=f"https://raw.githubusercontent.com/GATECH-EIC/HW-NAS-Bench/{COMMIT}/",
    files=(SourceFile(FILE, FILE, f"gitblob:{GIT_BLOB}"),),
    licence="MIT",
    citation=(
        "C. Li, Z. Yu, Y. Fu, Y. Zhang, Y. Zhao, H. You, Q. Yu, Y. Wang, Y. Lin, "
        '"HW-NAS-Bench: Hardware-Aware Neural Architecture Search Benchmark", ICLR 2021'
    ),
    holds="nasbench201 (cifar10, cifar100, ImageNet16-120) and fbnet (cifar100, ImageNet): "
    "latency and energy on edgegpu, edgetpu, eyeriss, fpga, pixel3 and raspi4",
    parse=parse,
)
