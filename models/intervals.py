"""Intervals of costs, which are positive: those of log-normal distributions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from archcost.models.chunks import Costs


def cost_interval(means: npt.ArrayLike, stds: npt.ArrayLike, level: float) -> Costs:
    """Return the intervals of log-normal distributions with the given means and deviations.

    Parameters
    ----------
    means, stds : array of float, shape (n_archs,) or ()
        Predicted costs and their standard deviations.
    level : float
        Probability of the interval, between 0 and 1.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, 2) or (2,)
        Lower and upper bounds.

    Examples
    --------
    >>> cost_interval(10.0, 1.0, 0.9).round(1)  # a further digit is a tie
    array([ 8.4, 11.7])
    """
    from statistics import NormalDist  # with decimal and fractions, for intervals alone

    means, stds = np.asarray(means, dtype=np.float64), np.asarray(stds, dtype=np.float64)
    variance = np.log1p((stds / means) ** 2)  # of the logarithm
    median = means * np.exp(-variance / 2)
    widening = np.exp(NormalDist().inv_cdf(0.5 + level / 2) * np.sqrt(variance))
    return np.stack([median / widening, median * widening], axis=-1)
