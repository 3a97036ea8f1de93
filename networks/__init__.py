"""Networks op by op: their layers and work, and the files that runtimes read."""

from archcost.networks.layers import Layer, Workload, workload

__all__ = ["Layer", "Workload", "workload"]
