"""Prices of kernels on a new device from few measured networks and known devices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from archcost.features.network_kernels import NetworkKernels
from archcost.networks.kernels import STYLES
from archcost.predictors.base import check_costs
from archcost.predictors.kernel_component import Component, Setting, Works, mixed
from archcost.predictors.kernel_fit import SPREAD
from archcost.predictors.kernels import KernelPredictor, Networks
from archcost.predictors.positive_sum import (
    Floats,
    PriceFit,
    PricePrior,
    fit_prices,
    log_spread,
)
from archcost.predictors.price_prior import GENERIC_MEAN, prior_around

EVIDENCE_POWER = 0.6
"""The evidence is trusted so far only: errors of related networks are not independent."""
LIKE_SOURCE = (
    (0.1, 0.1, 0.05), (0.3, 0.2, 0.1), (0.3, 0.3, 0.2), (0.7, 0.3, 0.2), (1.0, 0.7, 0.3),
    (1.5, 0.7, 0.5),
)  # fmt: skip
"""How much a device may differ from a source: of resources, groups of kinds and single prices."""
LIKE_NONE = ((1.0, 0.3, 0.3), (1.5, 0.5, 0.5), (2.0, 1.0, 0.7))
"""The same for a device that is like no source: around what holds for any device."""
NO_SOURCE_SHARE = 0.5
"""Probability before any cost that a device is like no source."""
LEAST_WEIGHT = 0.02
"""Weight below which a component is left out."""
N_FOLDS = 10
SCALE_ROWS, USUAL_SCALE = 8.0, 1.4
"""Networks that the usual width of the intervals counts for, and that width, over the spread that
the fit claims: the networks asked for are of other families than those measured."""
USUAL_BLOCK = 8

Candidate = tuple[Setting, PricePrior, float]
"""A setting, prior prices and the probability of both before any cost."""


def transfer_kernels(
    networks: Networks, cost: npt.ArrayLike, sources: Sequence[KernelPredictor] = (), *,
    seed: int = 0,
) -> KernelPredictor:  # fmt: skip
    """Return the predictor of a new device, from few networks measured on it.

    Each source, at several degrees of likeness, and a device like none of them are tried as what
    is known before measuring. The evidence of the measurements weighs them: one common factor is
    learned from any of them, and the fewer the measurements the closer the rest stays.

    Parameters
    ----------
    networks : sequence of Graph, or NetworkKernels
        The measured networks.
    cost : array of float, shape (n_networks,)
        Their costs in ms or mJ.
    sources : sequence of KernelPredictor, optional
        Fitted predictors of known devices.
    seed : int, default=0
        Fixes the networks that are left out together for the intervals.

    Returns
    -------
    KernelPredictor
        Fitted; ``left_out_`` holds the predictions of the measured networks without themselves.

    Raises
    ------
    ArchitectureError
        If a network is no graph.
    CostTableError
        If a cost is not finite or not positive, or there are fewer than two.
    """
    kernels = NetworkKernels.of(networks)
    costs = check_costs(cost, len(kernels))
    works = Works(kernels)
    with threadpool_limits(1):
        found = _weighed(_candidates(sources), works, costs)
        components, fits, kept = found
        left_out, scores = _left_out(kernels, costs, kept, [c.weight for c in components], seed)
    predictor = KernelPredictor(seed=seed)
    predictor.components_ = components
    covariance = kept[0][1].covariance - fits[0].root @ fits[0].root.T
    predictor.covariance_ = covariance.astype(np.float32)
    predictor.left_out_ = np.exp(left_out)
    predictor.base_spread_ = SPREAD
    known = (SCALE_ROWS * USUAL_SCALE**2 + float(scores @ scores)) / (SCALE_ROWS + len(costs))
    predictor.interval_scale_ = float(np.sqrt(known))
    predictor._see(networks, kernels)
    kinds = {kind for source in sources for kind in source.kinds_}
    predictor.kinds_ = tuple(sorted({*predictor.kinds_, *kinds}))
    foreign = {name for source in sources for name in source.foreign_ops_}
    predictor.foreign_ops_ = tuple(sorted({*predictor.foreign_ops_, *foreign}))
    return predictor


def _candidates(sources: Sequence[KernelPredictor]) -> list[Candidate]:
    """Return what may hold before any cost."""
    found: list[Candidate] = []
    for_sources = 1 - NO_SOURCE_SHARE if sources else 0.0
    for source in sources:
        for part in source.components_:
            for degrees in LIKE_SOURCE:
                share = for_sources / len(sources) * part.weight / len(LIKE_SOURCE)
                found.append((part.setting, prior_around(part.log_prices, *degrees), share))
    for style in STYLES:
        for degrees in LIKE_NONE:
            share = (1 - for_sources) / len(STYLES) / len(LIKE_NONE)
            found.append((Setting(style, USUAL_BLOCK), prior_around(GENERIC_MEAN, *degrees), share))
    return found


def _weighed(
    candidates: Sequence[Candidate], works: Works, cost: Floats
) -> tuple[tuple[Component, ...], list[PriceFit], list[Candidate]]:
    """Return the components that the costs speak for, the likeliest first."""
    fits = [fit_prices(works[setting], cost, prior, SPREAD) for setting, prior, _ in candidates]
    evidence = np.array([fitted.log_evidence for fitted in fits])
    logs = EVIDENCE_POWER * evidence + np.log([probability for *_, probability in candidates])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    order = [i for i in np.argsort(-weights, kind="stable") if weights[i] >= LEAST_WEIGHT]
    total = weights[order].sum()
    components = tuple(
        Component(candidates[i][0], fits[i].log_prices, float(weights[i] / total)) for i in order
    )
    return components, [fits[i] for i in order], [candidates[i] for i in order]


def _left_out(
    networks: NetworkKernels, cost: Floats, kept: Sequence[Candidate], weights: Sequence[float],
    seed: int,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return log costs predicted without the networks themselves, and errors over their spread."""
    n = len(cost)
    fold = np.random.default_rng(seed).permutation(n) % min(N_FOLDS, n)
    mean, scores = np.empty(n), np.empty(n)
    for number in range(fold.max() + 1):
        test, train = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        learned, asked = Works(networks.take(train)), Works(networks.take(test))
        fits = [
            fit_prices(learned[setting], cost[train], prior, SPREAD) for setting, prior, _ in kept
        ]
        components = [
            Component(setting, fitted.log_prices, weight)
            for (setting, _, _), fitted, weight in zip(kept, fits, weights, strict=True)
        ]
        mean[test], between = mixed(components, asked)
        own = log_spread(asked[kept[0][0]], fits[0], kept[0][1])
        spread = np.sqrt(SPREAD**2 + own**2 + between)
        scores[test] = (np.log(cost[test]) - mean[test]) / spread
    return mean, scores
