"""Networks op by op: their graphs, layers and work, and the files that runtimes read."""

from archcost.networks.graph import Graph, Node
from archcost.networks.graph_builder import GraphBuilder, Value
from archcost.networks.layers import Layer, Workload, graph_layers, workload
from archcost.networks.work import Work, graph_work, node_work

__all__ = [
    "Graph",
    "GraphBuilder",
    "Layer",
    "Node",
    "Value",
    "Work",
    "Workload",
    "graph_layers",
    "graph_work",
    "node_work",
    "workload",
]
