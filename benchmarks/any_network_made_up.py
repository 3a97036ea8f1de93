"""Made-up machines that are no sums of prices: constants are chosen on them, and not on real ones.

A kernel costs the longer of its arithmetic and its movement, each at an efficiency that saturates
with its size, and a launch; machines of a kind differ at random.
"""

from dataclasses import dataclass

import numpy as np

from archcost.kernels.kernel_arrays import KINDS, KernelArrays
from archcost.kernels.kernel_work import PRODUCT_KINDS
from archcost.kernels.network_kernels import NetworkKernels

LAYOUT = ("split", "transpose", "gather", "pad")
VECTOR = ("norm", "softmax", "activation", "resize", "pool", "global_pool", "batch_norm")
NOISE = 0.04
"""Standard deviation of the logarithm of a network's cost beyond its kernels."""


@dataclass(frozen=True)
class MadeUp:
    """What the machines of a kind have in common.

    Parameters
    ----------
    style : {"fused", "eager"}
        How networks are executed.
    balance : float
        Multiply-accumulates in the time of a byte.
    launch : float
        Multiply-accumulates (M) in the time of a launch.
    hidden : bool
        Whether work hides launches, as on a GPU that is asked asynchronously.
    block : int
        Channels are computed in blocks of so many.
    narrow, few : float
        Channels and positions at which half the arithmetic is used.
    depthwise : float
        Efficiency of depthwise convolutions.
    dispatch : float
        Multiply-accumulates (M) in the time that the host takes to start a kernel, beside which the
        device works: what takes longer in all is the cost.
    layout, vector : float
        How many times longer bytes of layout changes and of functions take.
    """

    style: str
    balance: float
    launch: float
    hidden: bool = False
    block: int = 8
    narrow: float = 16.0
    few: float = 1.0
    depthwise: float = 0.2
    layout: float = 1.0
    vector: float = 1.0
    dispatch: float = 0.0


MADE_UP = {
    "eager_gpu": MadeUp("eager", 60.0, 0.1, narrow=32.0),
    "compiled_gpu": MadeUp("fused", 80.0, 0.1, narrow=32.0),
    "waiting_gpu": MadeUp("eager", 60.0, 0.1, narrow=32.0, dispatch=30.0),
    "one_image_gpu": MadeUp("eager", 60.0, 60.0, hidden=True, narrow=32.0, few=400.0),
    "npu": MadeUp("fused", 100.0, 3.0, block=32, depthwise=0.1, layout=12.0, vector=3.0),
    "many_core": MadeUp("fused", 30.0, 8.0, block=16, few=200.0, depthwise=0.3),
    "small_core": MadeUp("fused", 4.0, 0.02, block=8, depthwise=0.5),
}  # fmt: skip


def made_up_costs(networks: NetworkKernels, name: str, seed: int) -> np.ndarray:
    """Return costs in ms of networks on a machine of a kind, shape (n_networks,)."""
    kind, rng = MADE_UP[name], np.random.default_rng(seed)
    kernels = networks.by_style[kind.style]
    vary = lambda spread: np.exp(rng.normal(0, spread))  # noqa: E731
    per_kind = np.exp(rng.normal(0, 0.3, len(KINDS)))[kernels.kinds]
    peak = _efficiency(kernels, kind, vary) * per_kind
    arithmetic = kernels.column("macs") / peak
    moved = sum(kernels.column(f"{what}_bytes") for what in ("in", "out", "weight"))
    products = np.isin(kernels.kinds, [KINDS.index(k) for k in PRODUCT_KINDS])
    moved = moved + np.where(products, 0.0, kernels.column("fused_bytes"))
    slow = np.ones(len(KINDS))
    slow[[KINDS.index(k) for k in LAYOUT]] = kind.layout * vary(0.5)
    slow[[KINDS.index(k) for k in VECTOR]] = kind.vector * vary(0.5)
    movement = moved * kind.balance * vary(0.4) * slow[kernels.kinds] / np.sqrt(per_kind)
    work, launch = np.maximum(arithmetic, movement), kind.launch * 1e6 * vary(0.5)
    costs = np.maximum(work, launch) if kind.hidden else work + launch
    sums = np.bincount(kernels.network, costs, len(kernels))
    if kind.dispatch:
        sums = np.maximum(sums, kind.dispatch * 1e6 * vary(0.5) * np.diff(kernels.starts))
    return sums / 1e9 * vary(1.0) * np.exp(rng.normal(0, NOISE, len(kernels)))


def _efficiency(kernels: KernelArrays, kind: MadeUp, vary) -> np.ndarray:
    """Return the share of the peak that each kernel's shape allows."""
    c_in, c_out = kernels.column("c_in"), kernels.column("c_out")
    depthwise = np.isin(
        kernels.kinds, [KINDS.index(k) for k in ("conv_depthwise", "conv_depthwise_wide")]
    )
    padded = [np.ceil(c / kind.block) * kind.block / np.maximum(c, 1) for c in (c_in, c_out)]
    depth = c_in * np.maximum(kernels.column("taps"), 1)
    dense = depth / (depth + kind.narrow * vary(0.3)) * c_out / (c_out + kind.narrow * vary(0.3))
    positions = kernels.column("positions")
    few = positions / (positions + kind.few * vary(0.5))
    share = np.where(depthwise, kind.depthwise * vary(0.4), dense / padded[0] / padded[1])
    return np.maximum(share * few, 1e-6)
