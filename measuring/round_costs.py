"""What a network costs in each round, with the machine's slowdown at that moment taken out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from archcost.measuring.journal import RoundRecord

TRIMMED = 0.25
"""Share of the rounds left out at either end."""

QUIET_QUANTILE = 0.01
"""Quantile of the reference network's latencies taken as that of the undisturbed machine.

The minimum would rest on a single timing.
"""

LEAST_VARIANCE = 1e-8
"""Least variance of the log of the reference's latency that a slope is fitted to: (0.01 %)²."""


def round_costs(records: Iterable[RoundRecord]) -> dict[str, npt.NDArray[np.float64]]:
    """Return each architecture's undisturbed latency in each successful round.

    Parameters
    ----------
    records : iterable of RoundRecord
        The records of a journal; failures are left out.

    Returns
    -------
    dict of str to numpy.ndarray of float64, shape (n_rounds,)
        Per architecture, in order of the rounds, the fastest run in ms as if the reference
        network had been at its best.
    """
    good = [record for record in records if record.error is None]
    if not good:
        return {}
    shared = sensitivity(good)
    quiet_ms = quiet_reference_ms(good)
    rounds: dict[str, dict[int, float]] = defaultdict(dict)
    for record in good:
        slowdown = (record.reference_ms / quiet_ms) ** shared
        rounds[record.arch][record.round] = min(record.latencies_ms) / slowdown
    return {arch: np.array([found[i] for i in sorted(found)]) for arch, found in rounds.items()}


def round_energies(records: Iterable[RoundRecord]) -> dict[str, npt.NDArray[np.float64]]:
    """Return each architecture's energy in mJ in each successful round that a counter was read."""
    rounds: dict[str, dict[int, float]] = defaultdict(dict)
    for record in records:
        if record.energy_mj is not None:
            rounds[record.arch][record.round] = record.energy_mj
    return {arch: np.array([found[i] for i in sorted(found)]) for arch, found in rounds.items()}


def quiet_reference_ms(records: Iterable[RoundRecord]) -> float:
    """Return the reference network's latency on the undisturbed machine from successes."""
    return float(np.quantile([record.reference_ms for record in records], QUIET_QUANTILE))


def interquartile_mean(values: npt.NDArray[np.float64]) -> float:
    """Return the mean of the middle half: nearly as robust as the median, with less variance."""
    cut = int(TRIMMED * len(values))
    return float(np.sort(values)[cut : len(values) - cut].mean())


def sensitivity(records: Sequence[RoundRecord]) -> float:
    r"""Estimate how much of the reference network's slowdown the architectures share.

    .. math:: \log t = a_{arch} + s \log t_{reference} + noise

    fitted by least squares within architectures. On an undisturbed machine the reference varies by
    its own noise alone, the estimate tends to 0, and costs are left as they are.

    Parameters
    ----------
    records : sequence of RoundRecord
        Successful records.

    Returns
    -------
    float
        The slope s, 0 if there is nothing to estimate it from.
    """
    names, arch = np.unique([record.arch for record in records], return_inverse=True)
    logs = np.log([[min(record.latencies_ms), record.reference_ms] for record in records])
    means = np.stack([np.bincount(arch, column, len(names)) for column in logs.T], axis=1)
    latency, reference = (logs - (means / np.bincount(arch)[:, None])[arch]).T
    variance = float(reference @ reference)
    if variance < LEAST_VARIANCE * len(records):
        return 0.0
    return max(0.0, float(latency @ reference) / variance)
