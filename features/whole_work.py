"""What whole networks compute: totals, and totals by kind of layer, to be summed over layers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from archcost.networks.layers import Layer

Floats = npt.NDArray[np.float64]

TOTALS = ("mflops", "kparams", "activation_mb", "layers")
"""Measures of ``whole_work``: 1e6 FLOPs, 1e3 parameters, 1e6 bytes of outputs (fp32), layers."""

KINDS = ("conv", "depthwise", "linear", "matmul", "pool", "add", "multiply", "norm", "other")
"""Kinds of layers that devices run at rates of their own; convolutions with as many groups as
input channels are depthwise, layer and group normalisations are ``norm``."""


def whole_work(layer: Layer) -> Floats:
    """Return the measures of ``TOTALS`` of one layer."""
    return np.array([layer.flops / 1e6, layer.params / 1e3, layer.output_bytes / 1e6, 1.0])


def work_by_kind(layer: Layer) -> Floats:
    """Return layers, 1e6 FLOPs and 1e6 bytes read and written, of each of ``KINDS`` in turn."""
    kind = "depthwise" if 1 < layer.groups == layer.c_in else layer.kind
    kind = "norm" if kind.endswith("_norm") else kind
    work = np.zeros((len(KINDS), 3))
    traffic = layer.input_bytes + layer.output_bytes + layer.weight_bytes
    place = KINDS.index(kind if kind in KINDS else "other")
    work[place] = 1.0, layer.flops / 1e6, traffic / 1e6
    return work.reshape(-1)
