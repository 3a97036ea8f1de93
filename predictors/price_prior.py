"""What is known of the prices of kernels before a device is measured, or from another device."""

from __future__ import annotations

from functools import cache

import numpy as np

from archcost.kernels.kernel_arrays import KINDS
from archcost.kernels.kernel_work import ROLES
from archcost.predictors.positive_sum import Floats, PricePrior

COST_OF_ROLE = {
    "macs": 1.0, "narrow_in": 0.3, "narrow_out": 0.3, "few": 0.1, "io": 2.0, "weights": 0.5,
    "fused": 1.0, "smooth": 1.0, "erf": 1.0, "count": 0.05,
}  # fmt: skip
"""Price of a unit of work, relative to that of a billion multiply-accumulates: a machine that moves
a byte in the time of some tens of operations."""

RESOURCE_OF_ROLE = {
    "macs": "arithmetic", "narrow_in": "arithmetic", "narrow_out": "arithmetic",
    "few": "arithmetic", "io": "bytes", "weights": "weights", "fused": "bytes",
    "smooth": "arithmetic", "erf": "arithmetic", "count": "count",
}  # fmt: skip

GROUP_OF_KIND = {
    "conv": "dense", "conv_1x1": "dense", "conv_stem": "dense", "linear": "dense",
    "conv_grouped": "grouped", "conv_depthwise": "grouped", "conv_depthwise_wide": "grouped",
    "matmul": "attention", "attention": "attention", "softmax": "attention",
    "activation": "pointwise", "add": "pointwise", "multiply": "pointwise",
    "batch_norm": "pointwise",
    "norm": "reduction", "pool": "reduction", "global_pool": "reduction", "resize": "reduction",
    "other": "reduction",
    "concat": "layout", "split": "layout", "transpose": "layout", "gather": "layout",
    "pad": "layout",
}  # fmt: skip
"""Kinds whose prices differ together from device to device."""

ANY_SPEED = 8.0
"""Standard deviation of the logarithm of a device's speed: nothing is known of it."""

_KIND_OF_PRICE = [kind for kind in KINDS for _ in ROLES]
_ROLE_OF_PRICE = [role for _ in KINDS for role in ROLES]


def _same(labels: list[str]) -> Floats:
    """Return a matrix with 1 where two prices have the same label."""
    array = np.array(labels)
    return (array[:, None] == array).astype(np.float64)


_SAME_ROLE = _same(_ROLE_OF_PRICE)
_SAME_KIND = _same(_KIND_OF_PRICE)
_SAME_RESOURCE = _same([RESOURCE_OF_ROLE[role] for role in _ROLE_OF_PRICE])
_SAME_GROUP = _same([GROUP_OF_KIND[kind] for kind in _KIND_OF_PRICE])
_ALONE = np.eye(len(_KIND_OF_PRICE))

_IS_LAYOUT_BYTES = np.array(
    [GROUP_OF_KIND[kind] == "layout" for kind in _KIND_OF_PRICE]
) & np.array([RESOURCE_OF_ROLE[role] == "bytes" for role in _ROLE_OF_PRICE])

GENERIC_MEAN = np.log([COST_OF_ROLE[role] for role in _ROLE_OF_PRICE])


def _mean_with(**cost_of_role: float) -> Floats:
    """Return the logarithms of prices where some roles cost something else than usual."""
    cost = COST_OF_ROLE | cost_of_role
    mean: Floats = np.log([cost[role] for role in _ROLE_OF_PRICE])
    return mean


PLAIN_MEANS = (
    _mean_with(narrow_in=0.03, narrow_out=0.03, few=0.01),
    _mean_with(narrow_in=0.003, narrow_out=0.003, few=0.001, fused=0.1, smooth=0.1, erf=0.1),
)
"""Logarithms of the prices of machines whose costs are little but a sum over totals: of arithmetic
whatever its shape, bytes, weights and launches."""


def generic_prior() -> PricePrior:
    """Return what is known of the prices of any device, for learning from many networks."""
    covariance = 5.0**2 + 1.5**2 * _SAME_ROLE + 0.5**2 * _SAME_KIND + 0.7**2 * _ALONE
    return PricePrior(GENERIC_MEAN, covariance)


def prior_around(
    mean: Floats, resource: float, group: float, alone: float, layout: float = 0.0
) -> PricePrior:
    """Return what is known of the prices of a device that differs so much from known ones.

    Parameters
    ----------
    mean : numpy.ndarray of float64, shape (n_prices,)
        Logarithms of the known prices; the speed of the device is open.
    resource, group, alone, layout : float
        Standard deviations of the logarithms: of arithmetic, bytes, weights and launches against
        each other, of groups of kinds, of each price by itself, and of the bytes of all changes of
        layout together, which accelerators move outside their fast path.
    """
    return PricePrior(mean, _covariance(resource, group, alone, layout))


@cache
def _covariance(resource: float, group: float, alone: float, layout: float) -> Floats:
    covariance: Floats = (
        ANY_SPEED**2
        + resource**2 * _SAME_RESOURCE
        + group**2 * _SAME_GROUP
        + alone**2 * _ALONE
        + layout**2 * np.outer(_IS_LAYOUT_BYTES, _IS_LAYOUT_BYTES)
    )
    covariance.flags.writeable = False  # every caller gets the same
    return covariance
