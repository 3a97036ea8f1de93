"""Encoders from architectures to inputs: one-hot ops, layerwise features, graphs of ops."""

from archcost.features.cost_drivers import CostDrivers
from archcost.features.encoders import ENCODERS
from archcost.features.layerwise import LayerwiseFeatures
from archcost.features.one_hot import OneHotOps
from archcost.features.op_graphs import OpGraphs

__all__ = ["ENCODERS", "CostDrivers", "LayerwiseFeatures", "OneHotOps", "OpGraphs"]
