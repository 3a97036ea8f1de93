"""How far measurements and predictions of a new device may be off."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WIDENING = (5, 10, 20, 50, 100), (1.2, 1.05, 1.15, 1.15, 1.1)
"""Measurements, and the factor on standard deviations that devices taken for new needed with as
many: 90 % intervals then held 90 to 92 % of the costs of source devices that were left out, of
tables of our own and of made-up devices (``docs/notes/transfer.md``)."""
LEFT_OUT_POWER, LEFT_OUT_RANGE = 0.5, (0.8, 2.0)
"""Power of the root mean square of the standardised leave-one-out residuals on that factor, and
what the root mean square is clipped to, as few residuals say little."""
LARGEST_RATIO = 4.0
"""Bound on a standardised residual there, for the sake of outliers."""
OWN_NOISE_SHARE, LARGEST_NOISE_RATIO = 0.5, 100.0
"""Share of the noise variance of a typical measurement that its repeats show, and the largest ratio
of a measurement's to it."""


def noise_ratio(cost_std: Floats) -> Floats:
    """Return the noise variance of each measurement relative to that of a typical one.

    A half of it is what no repeat averages out, such as what the cost drivers lack.

    Parameters
    ----------
    cost_std : array of float, shape (n_measured,)
        Standard deviations, NaN where unknown.
    """
    known = cost_std[np.isfinite(cost_std) & (cost_std > 0)]
    if len(known) == 0:
        return np.ones(len(cost_std))
    ratio = 1 - OWN_NOISE_SHARE + OWN_NOISE_SHARE * (cost_std / np.median(known)) ** 2
    bounded: Floats = np.minimum(np.where(np.isnan(ratio), 1.0, ratio), LARGEST_NOISE_RATIO)
    return bounded


def interval_widening(left_out_ratios: Floats) -> float:
    """Return the factor on standard deviations that makes intervals hold on new devices.

    The posterior takes its model for true; where the drivers lack what a device charges for,
    leave-one-out residuals are larger than it says.

    Parameters
    ----------
    left_out_ratios : array of float, shape (n_measured,)
        Leave-one-out residuals over their standard deviations.
    """
    bounded = np.minimum(np.abs(left_out_ratios), LARGEST_RATIO)
    spread = float(np.clip(np.sqrt(np.mean(bounded**2)), *LEFT_OUT_RANGE))
    known = np.interp(np.log(len(left_out_ratios)), np.log(WIDENING[0]), WIDENING[1])
    return float(known) * spread**LEFT_OUT_POWER
