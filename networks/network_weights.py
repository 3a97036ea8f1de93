"""The weights of a network that is written to a file: a trained module's, or seeded ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.networks.graph import Node

NORM_TENSORS = ("weight", "bias", "running_mean", "running_var")

NUMBERS: dict[str, Any] = {
    "int64": np.int64, "int32": np.int32, "int16": np.int16, "int8": np.int8, "uint8": np.uint8,
    "bool": np.bool_,
}  # fmt: skip
"""numpy's types of the precisions that are not of weights."""

Array = npt.NDArray[np.float32]
StateDict = Mapping[str, npt.NDArray[Any]]


@lru_cache(maxsize=512)
def random_tensor(shape: tuple[int, ...], fan_in: int, seed: int) -> Array:
    """Return a seeded He-normal tensor, not to be written to; zeros for a `fan_in` of 0.

    Latency does not depend on weights' values as long as they keep activations in the normal
    range, so tensors of one shape are the same and a graph is built in milliseconds.
    """
    value = np.zeros(shape, dtype=np.float32)
    if fan_in:
        rng = np.random.default_rng([seed, fan_in, *shape])
        value = (rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)).astype(np.float32)
    value.flags.writeable = False
    return value


class NetworkWeights:
    """Look weights up by the names of nodes, with batch normalisation folded in where it is.

    Folding is what ``torch.onnx`` and every deployment converter do.

    Parameters
    ----------
    given : mapping from str to array, optional
        The state dict of the torch module; None for seeded random weights.
    seed : int, default=0
        Fixes the random weights.
    channels_last : bool, default=False
        Whether kernels are (out, height, width, in) and not (out, in, height, width).
    """

    def __init__(
        self, given: StateDict | None = None, seed: int = 0, *, channels_last: bool = False
    ) -> None:
        self.given = given
        self.seed = seed
        self.channels_last = channels_last

    def conv(self, node: Node, c_in: int) -> tuple[Array, Array | None]:
        """Return kernel and bias of a convolution of `c_in` channels; None for no bias."""
        c_in, kernel = c_in // node.attributes["groups"], node.attributes["kernel"]
        shape = (node.shape[1], c_in, *kernel)
        if self.given is None and self.channels_last:
            shape = (node.shape[1], *kernel, c_in)
        weight, bias = self._weight_and_bias(node, shape, prod(shape[1:]), node.shape[1])
        if self.given is not None and self.channels_last:
            weight = np.moveaxis(weight, 1, -1)
        return weight, bias

    def conv_transpose(self, node: Node, c_in: int) -> tuple[Array, Array | None]:
        """Return kernel, of shape (in, out / groups, height, width), and bias."""
        c_out, groups = node.shape[1], node.attributes["groups"]
        shape = (c_in, c_out // groups, *node.attributes["kernel"])
        return self._weight_and_bias(node, shape, prod(shape) // shape[1], c_out, out_axis=1)

    def linear(self, node: Node, c_in: int) -> tuple[Array, Array | None]:
        """Return weight, of shape (out, in), and bias of a linear layer; None for no bias."""
        features = node.shape[-1]
        return self._weight_and_bias(node, (features, c_in), c_in, features)

    def norm(self, name: str, channels: int) -> dict[str, Array]:
        """Return the tensors of a batch normalisation by their names in the state dict."""
        tensors = {f"{name}.{part}": part for part in NORM_TENSORS}
        if self.given is None:
            return {
                tensor: np.full(channels, part in ("weight", "running_var"), dtype=np.float32)
                for tensor, part in tensors.items()
            }
        return {tensor: self._given(tensor, (channels,)) for tensor in tensors}

    def scale_and_shift(self, name: str, channels: int, epsilon: float) -> tuple[Array, Array]:
        """Return the two vectors that a batch normalisation amounts to."""
        weight, bias, mean, var = self.norm(name, channels).values()
        scale = weight / np.sqrt(var + epsilon)
        return scale, bias - mean * scale

    def affine(self, node: Node, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Return scale and shift of a layer or group normalisation, 1 and 0 if it has none."""
        if self.given is None or not node.attributes["affine"]:
            return np.ones(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        return self._given(f"{node.name}.weight", shape), self._given(f"{node.name}.bias", shape)

    def vector(self, name: str, length: int) -> Array:
        """Return a weight of one axis, such as a PReLU's slopes; 0.25 if it is random."""
        if self.given is None:
            return np.full(length, 0.25, dtype=np.float32)
        return self._given(name, (length,))

    def constant(self, node: Node) -> npt.NDArray[Any]:
        """Return the value of a constant."""
        fill = node.attributes.get("fill")
        dtype = NUMBERS.get(node.precision, np.float32)
        if fill is not None or dtype is not np.float32:  # of indices and masks, the size counts
            return np.full(node.shape, fill or 0, dtype=dtype)
        if self.given is None:
            return random_tensor(node.shape, max(1, node.shape[-1] if node.shape else 1), self.seed)
        return self._given(node.name, node.shape)

    def _weight_and_bias(
        self, node: Node, shape: tuple[int, ...], fan_in: int, c_out: int, out_axis: int = 0
    ) -> tuple[Array, Array | None]:
        norm, has_bias = node.attributes.get("norm"), node.attributes["bias"]
        if self.given is None:
            weight = random_tensor(shape, fan_in, self.seed)
            return weight, random_tensor((c_out,), 0, self.seed) if has_bias or norm else None
        weight = self._given(f"{node.name}.weight", shape)
        bias = self._given(f"{node.name}.bias", (c_out,)) if has_bias else None
        if norm is None:
            return weight, bias
        scale, shift = self.scale_and_shift(norm, c_out, node.attributes["norm_epsilon"])
        per_channel = scale
        if out_axis:  # output channels are those of each group in turn
            groups = node.attributes["groups"]
            per_channel = np.repeat(scale.reshape(groups, -1), shape[0] // groups, axis=0)
            weight = weight * per_channel.reshape(*per_channel.shape, *[1] * (len(shape) - 2))
        else:
            weight = weight * per_channel.reshape(-1, *[1] * (len(shape) - 1))
        return weight, shift if bias is None else shift + bias * scale

    def _given(self, name: str, shape: tuple[int, ...]) -> Array:
        assert self.given is not None
        value = np.asarray(self.given[name], dtype=np.float32)
        if value.shape != shape:
            raise ValueError(f"weight {name!r} must have shape {shape}, but got {value.shape}")
        return value
