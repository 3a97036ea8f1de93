"""What kernels ask of a device, split into the roles that each have a price of their own.

Roles of a kernel's work, the columns of ``kernel_work``:

============  ======================================================================================
macs          multiply-accumulates (G), channels rounded up to a block
narrow_in     the same, times 16 over the channels that a group reads: slow where there are few
narrow_out    the same for those that it writes
few           multiply-accumulates times 64 over the positions: slow where there are few
io            bytes of activations read and written (100 MB)
weights       bytes of parameters (100 MB)
fused         bytes that fused element-wise ops would move by themselves (100 MB)
smooth        bytes written by activations that take an exponential or the like (100 MB)
erf           bytes written by GELU and error functions (100 MB)
count         kernels (100)
============  ======================================================================================

The cost of a network is a sum of prices times work, so no kernel can cost less than nothing, and
prices of several roles together describe an efficiency that falls with narrow channels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from archcost.kernels.kernel_arrays import KINDS, KernelArrays

Floats = npt.NDArray[np.float64]

ROLES = (
    "macs",
    "narrow_in",
    "narrow_out",
    "few",
    "io",
    "weights",
    "fused",
    "smooth",
    "erf",
    "count",
)

PRODUCT_KINDS = (
    "conv", "conv_1x1", "conv_grouped", "conv_depthwise", "conv_depthwise_wide", "conv_stem",
    "linear", "matmul", "attention",
)  # fmt: skip
"""Kinds of kernels that multiply and accumulate."""

GIGA, BYTES, COUNT = 1e9, 1e8, 100.0
NARROW, FEW = 16.0, 64.0

_IS_PRODUCT = np.array([kind in PRODUCT_KINDS for kind in KINDS])
_DEPTHWISE = [KINDS.index(kind) for kind in ("conv_depthwise", "conv_depthwise_wide")]
N_PRICES = len(KINDS) * len(ROLES)
"""Pairs of a kind and a role; the price of kind `k` and role `r` is at ``k * len(ROLES) + r``."""


def kernel_work(kernels: KernelArrays, block: int = 8) -> Floats:
    """Return the work of each kernel by role.

    Parameters
    ----------
    kernels : KernelArrays
        Kernels of networks.
    block : int, default=8
        Channels are computed in blocks of so many.

    Returns
    -------
    numpy.ndarray of float64, shape (n_kernels, n_roles)
        See the table of roles above.
    """
    c_in, c_out = kernels.column("c_in"), kernels.column("c_out")
    is_depthwise = np.isin(kernels.kinds, _DEPTHWISE)
    padding = np.where(
        is_depthwise,
        _padding(kernels.column("groups"), block),
        _padding(c_in, block) * _padding(c_out, block),
    )
    is_product = _IS_PRODUCT[kernels.kinds]
    macs = kernels.column("macs") * padding / GIGA
    dense = np.where(is_depthwise, 0.0, macs)
    moved = kernels.column("in_bytes") + kernels.column("out_bytes")
    fused = kernels.column("fused_bytes")
    return np.column_stack(
        [
            macs,
            dense * NARROW / np.maximum(c_in, 1),
            dense * NARROW / np.maximum(c_out, 1),
            macs * FEW / np.maximum(kernels.column("positions"), 1),
            (moved + np.where(is_product, 0.0, fused)) / BYTES,
            kernels.column("weight_bytes") / BYTES,
            np.where(is_product, fused, 0.0) / BYTES,
            kernels.column("smooth_bytes") / BYTES,
            kernels.column("erf_bytes") / BYTES,
            np.full(len(kernels.kinds), 1 / COUNT),
        ]
    )


def network_work(kernels: KernelArrays, block: int = 8) -> Floats:
    """Return the work of each network by kind of kernel and role, shape (n_networks, n_prices)."""
    work, n = kernel_work(kernels, block), len(kernels)
    place = kernels.network * len(KINDS) + kernels.kinds
    sums = [np.bincount(place, column, n * len(KINDS)) for column in work.T]
    work_of_networks: Floats = np.stack(sums, axis=-1).reshape(n, N_PRICES).astype(np.float64)
    return work_of_networks


def _padding(channels: Floats, block: int) -> Floats:
    """Return how much more is computed when channels are rounded up to blocks."""
    return np.ceil(channels / block) * block / np.maximum(channels, 1)
