"""Find the best architecture within a limit on a new device, measuring only a few."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchcostError, check_number, check_type, shown

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


class Predicting(Protocol):
    """What `fit` returns: a cost model, or a fitted predictor."""

    def predict(self, archs: Any, *, return_std: bool) -> Any:
        """Return means and standard deviations of costs."""


Measure = Callable[[str], float]
Fit = Callable[[Mapping[str, float]], Predicting]


@dataclass(frozen=True, slots=True)
class MeasuredChoice:
    """What was chosen, and what was measured to choose it.

    Parameters
    ----------
    arch : str or None
        The architecture; None if nothing is within the limit as far as can be told.
    score : float
        Its score; NaN if there is none.
    upper : float
        Its measured cost, or the upper bound of its predicted one.
    measured : dict of str to float
        All measurements, in their order.
    """

    arch: str | None
    score: float
    upper: float
    measured: dict[str, float]


def choose_within(
    score: pd.Series, limit: float, model: Predicting, measured: Mapping[str, float], level: float
) -> MeasuredChoice:
    """Choose the highest score whose cost keeps a limit by an upper bound.

    Parameters
    ----------
    score : pandas.Series
        Scores of the candidates, by their strings; the higher, the better.
    limit : float
        The highest cost allowed.
    model : Predicting
        Predicts costs.
    measured : mapping of str to float
        Costs that are known: those count as they are.
    level : float
        Probability with which the true cost lies below the upper bound.

    Returns
    -------
    MeasuredChoice
        The choice.
    """
    upper = _quantile(*_predicted(score, model, measured), level)
    within = np.flatnonzero(upper <= limit)
    if len(within) == 0:
        return MeasuredChoice(None, np.nan, np.nan, dict(measured))
    # Of equal scores the cheapest, which also is the safest.
    best = min(within, key=lambda row: (-score.iloc[row], upper[row]))
    return MeasuredChoice(
        str(score.index[best]), float(score.iloc[best]), float(upper[best]), dict(measured)
    )


def search_measuring(
    score: pd.Series,
    limits: Sequence[float],
    *,
    measure: Measure,
    fit: Fit,
    start: Sequence[str],
    n_measurements: int,
    per_round: int = 1,
    level: float = 0.99,
) -> list[MeasuredChoice]:
    r"""Search among candidates on a device that is known by a few measurements only.

    The first measurements tell what the device is like. Each further one goes to the candidate
    with the highest expected improvement within the limits,

    .. math:: \sum_i P(c(a) \le L_i) \cdot \max(s(a) - s_i^*, 0),

    where :math:`s_i^*` is the best score that was measured to be within the limit; so measurements
    are spent where they decide, and mostly the choice itself has been measured. In the end
    `choose_within` chooses for each limit.

    Parameters
    ----------
    score : pandas.Series
        Scores of the candidates, by their strings; the higher, the better.
    limits : sequence of float
        The highest costs allowed, each of which gets a choice of its own.
    measure : callable
        Runs an architecture on the device and returns its cost.
    fit : callable
        Makes a model of the device from the measurements so far.
    start : sequence of str
        Measured first; need not be candidates. What ``suggest`` names.
    n_measurements : int
        How many architectures are measured in all, at least those of `start`.
    per_round : int, default=1
        How many are measured before the model is made anew.
    level : float, default=0.99
        Probability with which the cost of a choice that was not measured lies below its bound.

    Returns
    -------
    list of MeasuredChoice
        A choice for each limit, with all measurements.

    Raises
    ------
    ArchcostError
        If there are no candidates or limits, or fewer measurements than `start` takes, or an
        argument is of another type.

    References
    ----------
    J. Gardner et al., "Bayesian Optimization with Inequality Constraints", ICML 2014.

    Examples
    --------
    A model that ships plays the device; the score is the number of convolutions:

    >>> import pandas as pd
    >>> import archcost
    >>> from archcost.predictors import RidgePredictor
    >>> from archcost.spaces import get_space
    >>> space = get_space("nasbench201")
    >>> cells = space.format_many(space.sample(40, seed=0))
    >>> score = pd.Series([cell.count("conv") for cell in cells], index=cells)
    >>> (choice,) = search_measuring(
    ...     score,
    ...     [20.0],
    ...     measure=lambda cell: archcost.predict(cell, "raspi4"),
    ...     fit=lambda ms: RidgePredictor().fit(list(ms), list(ms.values())),
    ...     start=cells[:5],
    ...     n_measurements=12,
    ... )
    >>> archcost.predict(choice.arch, "raspi4") <= 20.0
    True
    """
    import pandas as pd

    check_type("score", score, pd.Series, "a pandas Series of scores, by architectures' strings")
    check_type("limits", limits, (Sequence, np.ndarray), "a list of costs, such as [20.0]")
    check_type("start", start, (Sequence, np.ndarray), "a list of architectures' strings")
    for limit in limits:
        check_number("a limit", limit)
    check_number("n_measurements", n_measurements, whole=True)
    check_number("level", level, 0, 1)
    if len(score) == 0 or len(limits) == 0 or n_measurements < len(start):
        raise ArchcostError(
            f"a search needs candidates, limits and at least the {len(start)} measurements of its "
            f"start, but got {len(score)} candidates, {len(limits)} limits and {n_measurements} "
            "measurements"
        )
    for what, given in (("measure", measure), ("fit", fit)):
        if not callable(given):
            raise ArchcostError(f"{what} must be a function, but got {shown(given)}")
    measured = {arch: measure(arch) for arch in start}
    while True:
        model = fit(measured)
        choices = [choose_within(score, limit, model, measured, level) for limit in limits]
        if len(measured) == n_measurements:
            return choices
        gain = np.sum([_gains(score, limit, model, measured) for limit in limits], axis=0)
        best = np.argsort(-gain, kind="stable")[: min(per_round, n_measurements - len(measured))]
        best = best[gain[best] > 0.0]
        if len(best) == 0:
            return choices  # nothing better is left to measure
        measured |= {arch: measure(arch) for arch in score.index[best]}


def _gains(
    score: pd.Series, limit: float, model: Predicting, measured: Mapping[str, float]
) -> Floats:
    """Return what measuring each candidate is expected to gain; nothing where it is known."""
    means, stds = _predicted(score, model, measured)
    known = np.array([arch in measured for arch in score.index])
    scores = score.to_numpy(dtype=np.float64)
    floor = scores[known & (means <= limit)].max(initial=scores.min() - 1.0)
    gain = _probability(means, stds, limit) * np.maximum(scores - floor, 0.0)
    gain[known] = 0.0
    return np.asarray(gain, dtype=np.float64)


def _predicted(
    score: pd.Series, model: Predicting, measured: Mapping[str, float]
) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each candidate's cost; those measured are certain."""
    means, stds = model.predict(list(score.index), return_std=True)
    means, stds = np.array(means, dtype=np.float64), np.array(stds, dtype=np.float64)
    for row, arch in enumerate(score.index):
        if arch in measured:
            means[row], stds[row] = measured[arch], 0.0
    return means, stds


def _log_moments(means: Floats, stds: Floats) -> tuple[Floats, Floats]:
    """Return centre and width of log-normal distributions with these means and deviations."""
    width = np.sqrt(np.log1p((stds / means) ** 2))
    return np.log(means) - width**2 / 2, width


def _quantile(means: Floats, stds: Floats, level: float) -> Floats:
    from scipy.stats import norm

    centre, width = _log_moments(means, stds)
    return np.asarray(np.where(stds > 0, np.exp(centre + norm.ppf(level) * width), means))


def _probability(means: Floats, stds: Floats, limit: float) -> Floats:
    from scipy.stats import norm

    centre, width = _log_moments(means, stds)
    distance = (np.log(limit) - centre) / np.where(width > 0, width, 1.0)
    return np.asarray(np.where(width > 0, norm.cdf(distance), means <= limit), dtype=np.float64)
