"""What a network costs in each round, with the machine's slowdown at that moment taken out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from archcost.measuring.journal import Visit

TRIMMED = 0.25
"""Share of the rounds left out at either end."""

QUIET_QUANTILE = 0.01
"""Of the reference network's latencies: the machine at its best, single lucky timings aside."""

LEAST_VARIANCE = 1e-8
"""Of the log of the reference's latency: below a hundredth of a percent it tells nothing."""


def round_costs(visits: Iterable[Visit]) -> dict[str, npt.NDArray[np.float64]]:
    """Return each architecture's undisturbed latency in each successful round.

    Parameters
    ----------
    visits : iterable of Visit
        What a journal holds; failed visits are left out.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (n_rounds,)
        Per architecture, in order of the rounds, the fastest run in ms as if the reference
        network had been at its best.
    """
    good = [visit for visit in visits if visit.error is None]
    if not good:
        return {}
    shared = sensitivity(good)
    quiet_ms = quiet_reference_ms(good)
    rounds: dict[str, dict[int, float]] = defaultdict(dict)
    for visit in good:
        slowdown = (visit.reference_ms / quiet_ms) ** shared
        rounds[visit.arch][visit.round] = min(visit.latencies_ms) / slowdown
    return {arch: np.array([found[i] for i in sorted(found)]) for arch, found in rounds.items()}


def round_energies(visits: Iterable[Visit]) -> dict[str, npt.NDArray[np.float64]]:
    """Return each architecture's energy in mJ in each successful round that a counter was read."""
    rounds: dict[str, dict[int, float]] = defaultdict(dict)
    for visit in visits:
        if visit.energy_mj is not None:
            rounds[visit.arch][visit.round] = visit.energy_mj
    return {arch: np.array([found[i] for i in sorted(found)]) for arch, found in rounds.items()}


def quiet_reference_ms(visits: Iterable[Visit]) -> float:
    """Return the reference network's latency with the machine at its best, from good visits."""
    return float(np.quantile([visit.reference_ms for visit in visits], QUIET_QUANTILE))


def middle_mean(values: npt.NDArray[np.float64]) -> float:
    """Return the mean of the middle half: nearly as robust as the median, less noisy."""
    cut = int(TRIMMED * len(values))
    return float(np.sort(values)[cut : len(values) - cut].mean())


def sensitivity(visits: Sequence[Visit]) -> float:
    r"""Estimate how much of the reference network's slowdown the architectures share.

    .. math:: \log t = a_{arch} + s \log t_{reference} + noise

    fitted by least squares within architectures. On a quiet machine the reference only has noise
    of its own, and the estimate tends to 0: nothing is taken out.

    Parameters
    ----------
    visits : sequence of Visit
        Successful visits.

    Returns
    -------
    float
        The slope s, 0 if there is nothing to estimate it from.
    """
    names, arch = np.unique([visit.arch for visit in visits], return_inverse=True)
    logs = np.log([[min(visit.latencies_ms), visit.reference_ms] for visit in visits])
    means = np.stack([np.bincount(arch, column, len(names)) for column in logs.T], axis=1)
    latency, reference = (logs - (means / np.bincount(arch)[:, None])[arch]).T
    variance = float(reference @ reference)
    if variance < LEAST_VARIANCE * len(visits):
        return 0.0
    return max(0.0, float(latency @ reference) / variance)
