"""Learn the prices of kernels, and choose how a device executes networks on held-out families."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from archcost.kernels.kernel_component import Component, Setting, Works, log_sums, settings_of
from archcost.kernels.network_kernels import NetworkKernels
from archcost.kernels.spread_by_cost import SpreadByCost
from archcost.networks.kernels import STYLES
from archcost.predictors.positive_sum import Floats, fit_prices, log_spread
from archcost.predictors.price_prior import generic_prior

N_FOLDS = 5
SPREAD = 0.1
"""Scale of the errors that prices leave, as a share of the cost."""
FEWEST_FAMILIES = 4
"""Families from which on held-out ones choose the settings."""
USUAL = Setting("fused", 8)
NORMAL_90 = 1.6449
"""Half of the 90 % interval of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Prices under the chosen settings, and what held-out families say of them.

    Parameters
    ----------
    components : tuple of Component
        One, or one a style of which the log costs are averaged.
    covariance : numpy.ndarray of float64, shape (n_prices, n_prices)
        Of the log prices of the first component.
    left_out : numpy.ndarray of float64, shape (n_networks,)
        Log costs predicted from other families.
    interval_scale : float
        What standard deviations are multiplied by for intervals that cover 90 %.
    spread_by_cost : SpreadByCost
        What else they are multiplied by.
    """

    components: tuple[Component, ...]
    covariance: Floats
    left_out: Floats
    interval_scale: float
    spread_by_cost: SpreadByCost


def choose_settings(
    networks: NetworkKernels,
    cost: Floats,
    families: npt.NDArray[np.str_],
    blocks: tuple[int, ...],
    seed: int = 0,
) -> Chosen:
    """Return prices under the settings that predict held-out families best.

    Either one setting, or the geometric mean of the best fused and the best eager one, whichever
    has the smaller mean absolute error of the logarithm.
    """
    works, target, prior = Works(networks), np.log(cost), generic_prior()
    folds = fold_numbers(families, N_FOLDS, seed)
    options = settings_of(blocks) if folds.max() + 1 >= FEWEST_FAMILIES else [USUAL]
    left_out, spreads = {}, {}
    for setting in options:
        left_out[setting], spreads[setting] = _held_out(works[setting], cost, folds)
    errors = {s: float(np.abs(left_out[s] - target).mean()) for s in options}
    picked = [min(options, key=errors.__getitem__)]
    if len(options) > 1:
        pair = [min((s for s in options if s.style == style), key=errors.get) for style in STYLES]  # type: ignore[arg-type]
        blend = sum(left_out[s] for s in pair) / 2
        if float(np.abs(blend - target).mean()) < errors[picked[0]]:
            picked = sorted(pair, key=errors.__getitem__)
    mean = np.mean([left_out[s] for s in picked], axis=0)
    scores = np.abs(mean - target) / spreads[picked[0]]
    by_cost = SpreadByCost.of(mean, scores)
    level = min(1.0, 0.9 * (1 + 1 / len(cost)))
    fits = [fit_prices(works[s], cost, prior, SPREAD) for s in picked]
    return Chosen(
        tuple(
            Component(s, f.log_prices, 1 / len(picked)) for s, f in zip(picked, fits, strict=True)
        ),
        prior.covariance - fits[0].root @ fits[0].root.T,
        mean,
        float(np.quantile(scores / by_cost(mean), level) / NORMAL_90),
        by_cost,
    )


def fold_numbers(families: npt.NDArray[np.str_], n_folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the fold of each row, whole families together, in folds of about equal size."""
    names, inverse, counts = np.unique(families, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    sizes, fold = np.zeros(min(n_folds, len(names))), np.zeros(len(names), dtype=np.int64)
    for family in order:
        fold[family] = sizes.argmin()
        sizes[fold[family]] += counts[family]
    found: npt.NDArray[np.int64] = fold[inverse.reshape(-1)]
    return found


def _held_out(work: Floats, cost: Floats, folds: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return log costs predicted from other folds, and their spread before scaling."""
    prior = generic_prior()
    mean, spread = np.empty(len(cost)), np.empty(len(cost))
    for fold in range(folds.max() + 1):
        test = folds == fold
        train = ~test if (~test).any() else test
        fitted = fit_prices(work[train], cost[train], prior, SPREAD)
        mean[test] = log_sums(work[test], fitted.log_prices)
        spread[test] = np.hypot(SPREAD, log_spread(work[test], fitted, prior))
    return mean, spread
