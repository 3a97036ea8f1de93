"""Prices of kernels on a new device from few measured networks and known devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from archcost.kernels.kernel_component import Component, Setting, Works, log_sums
from archcost.kernels.kernel_sums import Networks
from archcost.kernels.network_kernels import NetworkKernels
from archcost.kernels.network_offsets import NetworkOffsets
from archcost.kernels.spread_by_cost import SpreadByCost
from archcost.networks.kernels import STYLES
from archcost.predictors.base import check_costs
from archcost.predictors.kernels import KernelPredictor
from archcost.predictors.positive_sum import (
    Floats,
    PriceFit,
    PricePrior,
    fit_prices,
    log_spread,
    unlikely,
)
from archcost.predictors.price_prior import ANY_SPEED, GENERIC_MEAN, PLAIN_MEANS, prior_around

EVIDENCE_POWER = 0.6
"""The evidence is trusted so far only: errors of related networks are not independent."""
DEGREES = (
    (0.1, 0.05, 0.05, 0.0), (0.3, 0.2, 0.2, 0.0), (0.8, 0.3, 0.2, 0.0), (2.5, 0.2, 0.2, 0.0),
    (0.8, 0.3, 0.2, 1.5), (1.5, 1.0, 0.3, 0.0),
)  # fmt: skip
"""How much a device may differ from what is known: of resources, groups of kinds, single prices and
changes of layout."""
PLAIN_DEGREES = (
    (1.5, 0.05, 0.05, 0.0), (2.5, 0.05, 0.05, 0.0), (1.5, 0.2, 0.2, 0.0), (2.5, 0.2, 0.2, 0.0),
)  # fmt: skip
"""The same for a device whose costs are sums over totals."""
SPREADS = (0.06, 0.1)
"""Scales of the errors that prices leave, as shares of the cost."""
GENERIC_SHARE, PLAIN_SHARE, MEAN_SHARE = 0.1, 0.2, 0.1
"""Probabilities before any cost that a device is like no source but what holds for any, that its
costs are sums over totals, and that it is like the mean of the sources; the rest is theirs."""
FLOOR_ROWS, FLOOR_PART, FLOOR_BAND = 3, 0.2, 1.15
"""How many networks, and which part, must have the least cost a kernel, up to such a factor, before
it is tried that the host takes so long to start one: chance rarely brings three of ten together."""
FLOOR_SHARE = 0.5
"""Probability before any cost that it does, where those networks are there."""
LEAST_WEIGHT = 0.01
"""Weight below which a component is left out."""
N_FOLDS = 10
SCALE_ROWS, USUAL_SCALE = 30.0, 1.25
"""Networks that the usual width of the intervals counts for, and that width, over the spread that
the fit claims: what holds 90 % of the networks of other families on machines left out, which errors
among ten measured ones hardly tell (see the lab notes on any network)."""
USUAL_BLOCK = 8


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What may hold of a device before any cost.

    Parameters
    ----------
    setting : Setting
        How it executes networks.
    prior : PricePrior
        Its prices.
    probability : float
        Of both.
    residuals : NetworkOffsets
        What networks cost there beyond the sums of their kernels, taken from a source.
    spread : float
        Scale of the errors that prices leave, as a share of the cost.
    floor : float, default=0.0
        See ``Component``.
    """

    setting: Setting
    prior: PricePrior
    probability: float
    residuals: NetworkOffsets
    spread: float
    floor: float = 0.0

    def fit(self, works: Works, signatures: npt.NDArray[np.uint64], cost: Floats) -> PriceFit:
        """Return the most probable prices given costs of networks.

        Networks at the floor say nothing of prices but that they are not too high.
        """
        own, work = cost * np.exp(-self.residuals(signatures)), works[self.setting]
        least = self.floor * works.counts(self.setting)
        free = cost > FLOOR_BAND * least
        if not self.floor or free.all() or free.sum() < 2:
            return fit_prices(work, own, self.prior, self.spread)
        fitted = fit_prices(work[free], own[free], self.prior, self.spread)
        costs = np.maximum(np.exp(log_sums(work[~free], fitted.log_prices)), least[~free])
        n_bound = (~free).sum()
        evidence = -unlikely(np.log(cost[~free] / costs), self.spread) / 2
        evidence -= (n_bound - 1) * np.log(self.spread) + np.log(ANY_SPEED * np.sqrt(n_bound))
        return replace(fitted, log_evidence=fitted.log_evidence + float(evidence))

    def component(self, fitted: PriceFit, weight: float) -> Component:
        """Return what is learned."""
        return Component(self.setting, fitted.log_prices, weight, self.floor)


def transfer_kernels(
    networks: Networks, cost: npt.ArrayLike, sources: Sequence[KernelPredictor] = (), *,
    seed: int = 0,
) -> KernelPredictor:  # fmt: skip
    """Return the predictor of a new device, from few networks measured on it.

    Each source, the mean of the sources and what holds for any device are tried as what is known
    before measuring, each at several degrees of likeness. The evidence of the measurements weighs
    them: one common factor is learned from any of them, and the fewer the measurements the closer
    the rest stays. Where a network was measured on a source too, what it cost there beyond the sum
    of its kernels is tried as what it costs beyond it here.

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
    with threadpool_limits(1):
        components, fits, kept = _weighed(_hypotheses(sources, kernels, costs), kernels, costs)
        weights = [component.weight for component in components]
        spread = float(np.sqrt(np.dot(weights, [one.spread**2 for one in kept])))
        left_out, scores = _left_out(kernels, costs, kept, weights, seed)
    predictor = KernelPredictor(seed=seed)
    predictor.components_ = components
    predictor.covariance_ = _mean_covariance(kept, fits, weights).astype(np.float32)
    predictor.residuals_ = NetworkOffsets.none()
    predictor.corrections_ = NetworkOffsets.mixed(
        [(weight, one.residuals) for weight, one in zip(weights, kept, strict=True)]
    )
    predictor.left_out_ = np.exp(left_out)
    predictor.base_spread_ = spread
    predictor.spread_by_cost_ = SpreadByCost.of(left_out, np.abs(scores))
    scores = scores / predictor.spread_by_cost_(left_out)
    known = (SCALE_ROWS * USUAL_SCALE**2 + float(scores @ scores)) / (SCALE_ROWS + len(costs))
    predictor.interval_scale_ = float(np.sqrt(known))
    predictor.correction_weight_ = sum(
        weight for weight, one in zip(weights, kept, strict=True) if len(one.residuals)
    )
    predictor._see(networks, kernels)
    kinds = {kind for source in sources for kind in source.kinds_}
    predictor.kinds_ = tuple(sorted({*predictor.kinds_, *kinds}))
    foreign = {name for source in sources for name in source.foreign_ops_}
    predictor.foreign_ops_ = tuple(sorted({*predictor.foreign_ops_, *foreign}))
    return predictor


def _hypotheses(
    sources: Sequence[KernelPredictor], networks: NetworkKernels, cost: Floats
) -> list[Hypothesis]:
    """Return what may hold before any cost; the least cost of a kernel alone is taken from them."""
    none, found = NetworkOffsets.none(), []
    for_mean = MEAN_SHARE if len(sources) > 1 else 0.0
    for_any = 1.0 if sources else GENERIC_SHARE + PLAIN_SHARE
    for style in STYLES:
        setting, usual = Setting(style, USUAL_BLOCK), GENERIC_SHARE / for_any / len(STYLES)
        found += _at_degrees(setting, GENERIC_MEAN, usual, none)
        plain = PLAIN_SHARE / for_any / len(STYLES) / len(PLAIN_MEANS)
        for mean in PLAIN_MEANS:
            found += _at_degrees(setting, mean, plain, none, PLAIN_DEGREES)
        if for_mean:
            mean = _mean_prices(sources, style)
            found += _at_degrees(setting, mean, for_mean / len(STYLES), none)
    for source in sources:
        known = source.residuals_.knows(networks.signatures()).any()
        options = (none, source.residuals_) if known else (none,)
        share = (1 - GENERIC_SHARE - PLAIN_SHARE - for_mean) / len(sources) / len(options)
        for part in source.components_:
            for residuals in options:
                found += _at_degrees(part.setting, part.log_prices, share * part.weight, residuals)
    floor = _floor(networks, cost)
    return _with_floor(found, floor) if floor else found


def _floor(networks: NetworkKernels, cost: Floats) -> float:
    """Return what the host takes to start a kernel if several networks have that, else 0."""
    each = np.sort(cost / np.diff(networks.by_style["eager"].starts))
    bound, enough = each[each <= FLOOR_BAND * each[0]], max(FLOOR_ROWS, FLOOR_PART * len(each))
    return float(np.exp(np.log(bound).mean())) if len(bound) >= enough else 0.0


def _with_floor(hypotheses: Sequence[Hypothesis], floor: float) -> list[Hypothesis]:
    """Return the hypotheses, and those of op by op execution once more with a floor."""
    found = []
    for one in hypotheses:
        if one.setting.style != "eager" or len(one.residuals):
            found.append(one)
            continue
        likely = one.probability
        found.append(replace(one, probability=(1 - FLOOR_SHARE) * likely))
        found.append(replace(one, probability=FLOOR_SHARE * likely, floor=floor))
    return found


def _at_degrees(
    setting: Setting,
    mean: Floats,
    share: float,
    residuals: NetworkOffsets,
    degrees: Sequence[tuple[float, float, float, float]] = DEGREES,
) -> list[Hypothesis]:
    each = share / len(degrees) / len(SPREADS)
    return [
        Hypothesis(setting, prior_around(mean, *degree), each, residuals, spread)
        for degree in degrees
        for spread in SPREADS
    ]


def _mean_prices(sources: Sequence[KernelPredictor], style: str) -> Floats:
    """Return the mean of the sources' log prices, whatever their speed."""
    prices = []
    for source in sources:
        parts = [part for part in source.components_ if part.setting.style == style]
        log_prices = (parts or source.components_)[0].log_prices
        prices.append(log_prices - log_prices.mean())
    mean: Floats = np.mean(prices, axis=0)
    return mean


def _weighed(
    hypotheses: Sequence[Hypothesis], networks: NetworkKernels, cost: Floats
) -> tuple[tuple[Component, ...], list[PriceFit], list[Hypothesis]]:
    """Return the components that the costs speak for, the likeliest first."""
    works, signatures = Works(networks), networks.signatures()
    fits = [one.fit(works, signatures, cost) for one in hypotheses]
    evidence = np.array([fitted.log_evidence for fitted in fits])
    logs = EVIDENCE_POWER * evidence + np.log([one.probability for one in hypotheses])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    order = [i for i in np.argsort(-weights, kind="stable") if weights[i] >= LEAST_WEIGHT]
    total = weights[order].sum()
    components = tuple(hypotheses[i].component(fits[i], float(weights[i] / total)) for i in order)
    return components, [fits[i] for i in order], [hypotheses[i] for i in order]


def _mean_covariance(
    kept: Sequence[Hypothesis], fits: Sequence[PriceFit], weights: Sequence[float]
) -> Floats:
    mean = np.zeros_like(kept[0].prior.covariance)
    for weight, one, fitted in zip(weights, kept, fits, strict=True):
        mean += weight * (one.prior.covariance - fitted.root @ fitted.root.T)
    return mean


def _left_out(
    networks: NetworkKernels, cost: Floats, kept: Sequence[Hypothesis], weights: Sequence[float],
    seed: int,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return log costs predicted without the networks themselves, and errors over their spread."""
    n, signatures = len(cost), networks.signatures()
    fold = np.random.default_rng(seed).permutation(n) % min(N_FOLDS, n)
    mean, scores = np.empty(n), np.empty(n)
    for number in range(fold.max() + 1):
        test, train = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        learned, asked = Works(networks.take(train)), Works(networks.take(test))
        logs, variances = [], []
        for one in kept:
            fitted = one.fit(learned, signatures[train], cost[train])
            work = asked[one.setting]
            logs.append(
                one.component(fitted, 1.0).log_costs(asked) + one.residuals(signatures[test])
            )
            variances.append(one.spread**2 + log_spread(work, fitted, one.prior) ** 2)
        mean[test] = np.array(weights) @ np.array(logs)
        between = np.array(weights) @ (np.array(logs) - mean[test]) ** 2
        spread = np.sqrt(np.array(weights) @ np.array(variances) + between)
        scores[test] = (np.log(cost[test]) - mean[test]) / spread
    return mean, scores
