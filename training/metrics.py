"""Metrics of agreement between predicted and true costs, with bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.errors import CostTableError

Costs = npt.NDArray[np.float64]
Metric = Callable[[Costs, Costs], float]

RANK_DECIMALS = 9
"""Rank metrics round costs (ms, mJ) to this many decimals: exact columns are full of ties, and a
prediction that differs in the last bits must not break them."""


@dataclass(frozen=True, slots=True)
class Score:
    """A figure and its bootstrap interval."""

    value: float
    low: float
    high: float


def spearman(truth: Costs, predicted: Costs) -> float:
    """Return Spearman's rank correlation; NaN where one side is constant."""
    return _correlation(_ranks(truth), _ranks(predicted))


def kendall(truth: Costs, predicted: Costs) -> float:
    """Return Kendall's tau-b, which counts ties; NaN where one side is constant."""
    if len(truth) == 2:  # both say the same of two; scipy divides by n - 2
        return spearman(truth, predicted)
    from scipy.stats import kendalltau

    # The exact p-value, which nobody reads, would take longer than the statistic.
    return float(kendalltau(_rounded(truth), _rounded(predicted), method="asymptotic").statistic)


def pearson(truth: Costs, predicted: Costs) -> float:
    """Return Pearson's linear correlation; NaN where one side is constant."""
    return _correlation(truth, predicted)


def rmse(truth: Costs, predicted: Costs) -> float:
    """Return the root mean squared error, in the unit of the costs."""
    return math.sqrt(float(np.mean((predicted - truth) ** 2)))


def mape(truth: Costs, predicted: Costs) -> float:
    """Return the mean absolute error as a share of the true cost (0.1 is 10 %).

    Near-zero costs, such as those of cells without a path to the output, can dominate it.
    """
    return float(np.mean(_relative_errors(truth, predicted)))


def within_5_percent(truth: Costs, predicted: Costs) -> float:
    """Return the share of predictions within 5 % of the true cost."""
    return float(np.mean(_relative_errors(truth, predicted) <= 0.05))


def within_10_percent(truth: Costs, predicted: Costs) -> float:
    """Return the share of predictions within 10 % of the true cost."""
    return float(np.mean(_relative_errors(truth, predicted) <= 0.10))


def top_k_recall(truth: Costs, predicted: Costs, k: int) -> float:
    """Return the share of the `k` predicted cheapest that are among the `k` truly cheapest.

    Ties never depend on the order of rows: every architecture as cheap as the k-th counts as
    truly cheapest, and predictions that tie for the last places count by their expected share.

    Parameters
    ----------
    truth, predicted : numpy.ndarray of float64, shape (n_archs,)
        Costs.
    k : int
        How many are looked for, 1 to n_archs.

    Returns
    -------
    float
        Between 0 and 1.
    """
    truth, predicted = _rounded(truth), _rounded(predicted)
    if not 1 <= k <= len(truth):
        raise ValueError(f"k must be between 1 and the {len(truth)} architectures, but got {k}")
    cheap = truth <= np.partition(truth, k - 1)[k - 1]
    limit = np.partition(predicted, k - 1)[k - 1]
    chosen, tied = predicted < limit, predicted == limit
    share_of_tied = (k - chosen.sum()) / tied.sum()
    return float((cheap[chosen].sum() + share_of_tied * cheap[tied].sum()) / k)


def top_tenth_recall(truth: Costs, predicted: Costs) -> float:
    """Return the recall of the cheapest tenth, `top_k_recall` with k = n_archs / 10."""
    return top_k_recall(truth, predicted, math.ceil(len(truth) / 10))


METRICS: dict[str, Metric] = {
    "spearman": spearman,
    "kendall": kendall,
    "pearson": pearson,
    "rmse": rmse,
    "mape": mape,
    "within_5_percent": within_5_percent,
    "within_10_percent": within_10_percent,
    "top_tenth_recall": top_tenth_recall,
}
"""Every figure of `score`; ``rmse`` is in the unit of the costs, the others have none."""


def score(
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    *,
    seed: int = 0,
    level: float = 0.95,
    n_resamples: int = 200,
    max_rows: int = 1000,
) -> dict[str, Score]:
    """Score predicted costs by every metric, with bootstrap intervals.

    Parameters
    ----------
    truth, predicted : array-like of float, shape (n_archs,)
        True and predicted costs, finite, true ones above 0.
    seed : int, default=0
        Fixes the resampling.
    level : float, default=0.95
        Probability that an interval holds the figure of the population.
    n_resamples : int, default=200
        Bootstrap resamples; 0 leaves the intervals NaN.
    max_rows : int, default=1000
        Rows of a resample, to keep Kendall's tau affordable.

    Returns
    -------
    dict of str to Score
        One entry a metric of `METRICS`.

    Raises
    ------
    CostTableError
        If the costs do not pair up, are fewer than two, not finite, or a true one is not positive.

    Notes
    -----
    Percentile bootstrap over architectures. With more than `max_rows` architectures, resamples
    have m = `max_rows` rows and their deviations from the figure are scaled by sqrt(m / n), as in
    the m-out-of-n bootstrap. Resamples in which a metric is undefined are left out.

    References
    ----------
    P. Bickel, F. Götze, W. van Zwet, "Resampling fewer than n observations", 1997.

    Examples
    --------
    >>> figures = score([1.0, 2.0, 3.0, 4.0], [1.1, 2.1, 2.9, 4.2])
    >>> figures["spearman"].value, round(figures["rmse"].value, 3)
    (1.0, 0.132)
    """
    truth, predicted = _checked(truth, predicted)
    n_archs = len(truth)
    n_rows = min(n_archs, max_rows)
    rng = np.random.default_rng(seed)
    rows = rng.integers(n_archs, size=(n_resamples, n_rows))
    scores = {}
    for name, metric in METRICS.items():
        value = metric(truth, predicted)
        resampled = np.array([metric(truth[some], predicted[some]) for some in rows])
        deviations = (resampled[~np.isnan(resampled)] - value) * math.sqrt(n_rows / n_archs)
        if math.isnan(value) or len(deviations) == 0:
            scores[name] = Score(value, math.nan, math.nan)
        else:
            low, high = value + np.quantile(deviations, [0.5 - level / 2, 0.5 + level / 2])
            scores[name] = Score(value, float(low), float(high))
    return scores


def flat(scores: Mapping[str, Score]) -> dict[str, float]:
    """Return scores as plain numbers: ``spearman``, ``spearman_low``, ``spearman_high``, ..."""
    numbers = {}
    for name, figure in scores.items():
        numbers[name] = figure.value
        numbers[f"{name}_low"] = figure.low
        numbers[f"{name}_high"] = figure.high
    return numbers


def _checked(truth: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[Costs, Costs]:
    truth, predicted = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if truth.ndim != 1 or truth.shape != predicted.shape or len(truth) < 2:
        raise CostTableError(
            "truth and predicted must be two arrays of the same length, 2 or more, or there is no "
            f"order to agree on, but got shapes {truth.shape} and {predicted.shape}"
        )
    if not np.isfinite(truth).all() or not np.isfinite(predicted).all() or truth.min() <= 0:
        raise CostTableError(
            "costs must be finite and true costs above 0; leave rows without a cost out"
        )
    return truth, predicted


def _rounded(costs: Costs) -> Costs:
    return np.round(costs, RANK_DECIMALS)


def _ranks(costs: Costs) -> Costs:
    from scipy.stats import rankdata

    return rankdata(_rounded(costs))


def _correlation(x: Costs, y: Costs) -> float:
    x, y = x - x.mean(), y - y.mean()
    spread = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / spread if spread > 0 else math.nan


def _relative_errors(truth: Costs, predicted: Costs) -> Costs:
    return np.abs(predicted - truth) / truth
