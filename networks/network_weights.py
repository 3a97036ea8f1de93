"""The weights of a network that is written to a file: a trained module's, or seeded ones."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

NORM_EPSILON = 1e-5
"""That of ``torch.nn.BatchNorm2d``."""

NORM_TENSORS = ("weight", "bias", "running_mean", "running_var")

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
    """Look weights up by name, with batch normalisation folded into the convolution before it.

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

    def conv(
        self, name: str, c_in: int, c_out: int, kernel: int, norm: str | None
    ) -> tuple[Array, Array | None]:
        """Return kernel and bias of a convolution; no bias if no normalisation follows.

        Parameters
        ----------
        name : str
            Prefix of the weight in the state dict.
        c_in, c_out, kernel : int
            Input channels of one group, output channels and width of the kernel.
        norm : str, optional
            Prefix in the state dict of the batch normalisation that follows.
        """
        shape = (c_out, c_in, kernel, kernel)
        if self.given is None:
            if self.channels_last:
                shape = (c_out, kernel, kernel, c_in)
            weight = random_tensor(shape, c_in * kernel * kernel, self.seed)
            return weight, random_tensor((c_out,), 0, self.seed) if norm else None
        weight, bias = self._given(f"{name}.weight", shape), None
        if norm is not None:
            scale, bias = self.scale_and_shift(norm, c_out)
            weight = weight * scale[:, None, None, None]
        return weight.transpose(0, 2, 3, 1) if self.channels_last else weight, bias

    def linear(self, name: str, c_in: int, c_out: int) -> tuple[Array, Array]:
        """Return weight, of shape (out, in), and bias of a linear layer."""
        if self.given is None:
            return (
                random_tensor((c_out, c_in), c_in, self.seed),
                random_tensor((c_out,), 0, self.seed),
            )
        return self._given(f"{name}.weight", (c_out, c_in)), self._given(f"{name}.bias", (c_out,))

    def norm(self, name: str, channels: int) -> dict[str, Array]:
        """Return the tensors of a batch normalisation by their names in the state dict."""
        tensors = {f"{name}.{part}": part for part in NORM_TENSORS}
        if self.given is None:
            return {
                tensor: np.full(channels, part in ("weight", "running_var"), dtype=np.float32)
                for tensor, part in tensors.items()
            }
        return {tensor: self._given(tensor, (channels,)) for tensor in tensors}

    def scale_and_shift(self, name: str, channels: int) -> tuple[Array, Array]:
        """Return the two vectors that a batch normalisation amounts to."""
        weight, bias, mean, var = self.norm(name, channels).values()
        scale = weight / np.sqrt(var + NORM_EPSILON)
        return scale, bias - mean * scale

    def _given(self, name: str, shape: tuple[int, ...]) -> Array:
        assert self.given is not None
        value = np.asarray(self.given[name], dtype=np.float32)
        if value.shape != shape:
            raise ValueError(f"weight {name!r} must have shape {shape}, but got {value.shape}")
        return value
