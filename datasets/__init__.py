"""Search spaces, devices, cost tables, their sources, and the measuring of new ones."""

from importlib import import_module
from typing import TYPE_CHECKING

from archcost.datasets.cost_key import METRICS, CostKey
from archcost.datasets.devices import DEVICES, DeviceCard, get_device
from archcost.errors import (
    ArchcostError,
    ArchitectureError,
    CostTableError,
    IntegrityError,
    MissingDataError,
    UnknownNameError,
)
from archcost.networks.layers import Layer, Workload
from archcost.spaces.fbnet import FBNet
from archcost.spaces.nasbench201 import NASBench201
from archcost.spaces.space import SearchSpace
from archcost.spaces.spaces import SPACES, get_space, infer_space

if TYPE_CHECKING:
    from archcost.datasets.accuracies import read_accuracy
    from archcost.datasets.bundled import bundled_tables, load_bundled
    from archcost.datasets.cost_table import CostTable
    from archcost.datasets.derived import derive_fpga_energy
    from archcost.datasets.fetching import fetch
    from archcost.datasets.hw_nas_bench import HWNASBench
    from archcost.datasets.hw_nas_bench_config import network_from_config
    from archcost.datasets.predicted_cost import PredictedCost
    from archcost.datasets.provenance import Provenance
    from archcost.datasets.source import Source
    from archcost.datasets.sources import SOURCES, data_folder, load_published
else:
    # Tables and sources take longer to import than a prediction takes: they come when asked for.
    _LATER = {
        "bundled_tables": "bundled",
        "load_bundled": "bundled",
        "CostTable": "cost_table",
        "derive_fpga_energy": "derived",
        "fetch": "fetching",
        "HWNASBench": "hw_nas_bench",
        "network_from_config": "hw_nas_bench_config",
        "read_accuracy": "accuracies",
        "PredictedCost": "predicted_cost",
        "Provenance": "provenance",
        "Source": "source",
        "SOURCES": "sources",
        "data_folder": "sources",
        "load_published": "sources",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


__all__ = [
    "DEVICES",
    "METRICS",
    "SOURCES",
    "SPACES",
    "ArchcostError",
    "ArchitectureError",
    "CostKey",
    "CostTable",
    "CostTableError",
    "DeviceCard",
    "FBNet",
    "HWNASBench",
    "IntegrityError",
    "Layer",
    "MissingDataError",
    "NASBench201",
    "PredictedCost",
    "Provenance",
    "SearchSpace",
    "Source",
    "UnknownNameError",
    "Workload",
    "bundled_tables",
    "data_folder",
    "derive_fpga_energy",
    "fetch",
    "get_device",
    "get_space",
    "infer_space",
    "load_bundled",
    "load_published",
    "network_from_config",
    "read_accuracy",
]
