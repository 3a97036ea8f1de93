"""Scales under which groups of features count the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def size_weights(totals: Floats) -> tuple[Floats, float]:
    """Return weights of the measures whose sum has spread one, and its mean."""
    weights = inverse_spread(totals.std(axis=0))
    weights = weights * inverse_spread((totals @ weights).std())
    return weights, float((totals @ weights).mean())


def inverse_spread(spread: Any) -> Any:
    """Return the inverse of standard deviations, 0 where nothing varies but by rounding."""
    varies = spread > 1e-9 * np.max(spread, initial=0.0)
    return np.where(varies, 1 / np.where(varies, spread, 1.0), 0.0)


def equal_scale(columns: Floats, each: bool = True) -> Floats:
    """Return factors that give a group variance one, its columns equal shares if `each`."""
    variance = columns.var(axis=0)
    varies = variance > 1e-12 * variance.max(initial=0.0)
    if not varies.any():  # a space without large kernels, say
        return np.zeros(len(variance))
    if not each:
        return np.full(len(variance), 1 / np.sqrt(variance.sum()))
    return np.where(
        varies, 1 / np.sqrt(np.where(varies, variance, 1.0) * max(varies.sum(), 1)), 0.0
    )
