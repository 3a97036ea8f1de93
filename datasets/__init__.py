"""Search spaces, devices, cost tables, their sources, and the measuring of new ones."""

from archcost.datasets.errors import (
    ArchcostError,
    ArchitectureError,
    CostTableError,
    IntegrityError,
    MissingDataError,
    UnknownNameError,
)
from archcost.datasets.fbnet import FBNet
from archcost.datasets.layers import Layer, Workload
from archcost.datasets.nasbench201 import NASBench201
from archcost.datasets.space import SearchSpace
from archcost.datasets.spaces import SPACES, get_space, infer_space

__all__ = [
    "SPACES",
    "ArchcostError",
    "ArchitectureError",
    "CostTableError",
    "FBNet",
    "IntegrityError",
    "Layer",
    "MissingDataError",
    "NASBench201",
    "SearchSpace",
    "UnknownNameError",
    "Workload",
    "get_space",
    "infer_space",
]
