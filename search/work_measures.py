"""What a network computes and holds, layer by layer."""

import numpy as np

from archcost.networks import Layer
from archcost.spaces.position_work import Floats, Measure


def flops(layer: Layer) -> Floats:
    """Return floating-point operations, two a multiply-accumulate."""
    return np.array([layer.flops], dtype=np.float64)


def params(layer: Layer) -> Floats:
    """Return trainable parameters."""
    return np.array([layer.params], dtype=np.float64)


def activation_bytes(layer: Layer) -> Floats:
    """Return bytes of the output, fp32; over a network, of all tensors that are ever written."""
    return np.array([layer.output_bytes], dtype=np.float64)


def weight_bytes(layer: Layer) -> Floats:
    """Return bytes of the parameters, fp32."""
    return np.array([layer.weight_bytes], dtype=np.float64)


def weight_bytes_int8(layer: Layer) -> Floats:
    """Return bytes of the parameters at int8: one a weight, four a bias.

    Normalisation is folded, so that it leaves one bias a channel.
    """
    has_weights = layer.kind in ("conv", "linear")
    biases = layer.norm_channels or (layer.c_out if layer.kind == "linear" else 0)
    trained = 2 * layer.norm_channels + (layer.c_out if layer.kind == "linear" else 0)
    weights = layer.params - trained if has_weights else 0
    return np.array([weights + 4 * biases], dtype=np.float64)


MEASURES: dict[str, Measure] = {
    measure.__name__: measure
    for measure in (flops, params, activation_bytes, weight_bytes, weight_bytes_int8)
}
"""Every measure of work by its name."""

PEAK = "peak_activation_bytes"
"""The most bytes of activations that are live at once, which do not add up over layers."""
