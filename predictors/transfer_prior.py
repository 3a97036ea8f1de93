"""Learn the prior of a new device from known ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from archcost.features.cost_drivers import CostDrivers
from archcost.predictors.group_modes import find_mode, grams
from archcost.predictors.group_prior import (
    SOURCES,
    GroupPrior,
    TransferPrior,
    by_physics,
    generic_prior,
    learned_priors,
)
from archcost.predictors.transfer import no_sources, scaled_sources, work_slope_prior
from archcost.spaces.space import Ops

Floats = npt.NDArray[np.float64]

ROWS_OF_SOURCE, ROWS_LEFT_OUT = 250, 150
"""Rows on which a source's variances are found, for its own costs and with others as sources."""
SOURCE_WIDENING = 1.5
"""Factor on the prior's spread for a source, which has many more rows than a new device."""
CLIP = 6.0
"""Robust standard deviations at which targets are clipped before variances are found."""


def learn_prior(
    drivers: CostDrivers, sources: Mapping[str, tuple[Ops, Floats]], seed: int = 0
) -> TransferPrior:
    """Learn the prior of a new device from source devices.

    Each source is described by its coefficients on the cost drivers; then each is left out in
    turn, with the others as its sources, to find the variance that each group of drivers and the
    other devices explain.

    Parameters
    ----------
    drivers : CostDrivers
        Bound to the space.
    sources : mapping of str to (ops, cost)
        Measured architectures ``(n, n_positions)`` and costs ``(n,)`` of each device.
    seed : int, default=0
        Fixes the subsample of rows.
    """
    if not sources:
        return no_sources(drivers)
    in_graph = drivers.space_.edges is not None
    physics = generic_prior(tuple(drivers.groups_), in_graph)
    rng = np.random.default_rng(seed)
    rows, coefficients = {}, []
    for name, (ops, cost) in sources.items():
        order = rng.permutation(len(ops))
        features, relative = drivers.transform(ops[order]), _relative(cost[order])
        work = work_slope_prior(drivers.space_) * drivers.work(ops[order[:ROWS_LEFT_OUT]])
        rows[name] = features[:ROWS_LEFT_OUT], relative[:ROWS_LEFT_OUT] - work
        coefficients.append(_describe(features, relative, list(drivers.groups_.values()), physics))
    table = np.stack(coefficients, axis=1)
    groups_and_sources = (*drivers.groups_, SOURCES)
    generic = generic_prior(groups_and_sources, in_graph)
    if len(sources) == 1:  # no other to be its source
        return TransferPrior(tuple(sources), table, by_physics(generic, groups_and_sources))
    found = []
    for number, (features, target) in enumerate(rows.values()):
        others = scaled_sources(drivers, np.delete(table, number, axis=1))
        both = np.hstack([features, features @ others])
        groups = [*drivers.groups_.values(), slice(features.shape[1], both.shape[1])]
        found.append(find_mode(grams(both, groups), _clipped(target), _wide(generic), None, None))
    return TransferPrior(
        tuple(sources), table, learned_priors(generic, np.array(found), groups_and_sources)
    )


def _describe(
    features: Floats, relative: Floats, groups: list[slice], physics: GroupPrior
) -> Floats:
    """Return a device's coefficients on the cost drivers, robust to outliers."""
    few = slice(0, ROWS_OF_SOURCE)
    mode = find_mode(grams(features[few], groups), _clipped(relative[few]), _wide(physics))
    scale = np.concatenate(
        [np.full(p.stop - p.start, np.exp(w / 2)) for p, w in zip(groups, mode[:-1], strict=True)]
    )
    design = features * scale
    weights, spread = np.ones(len(relative)), None
    ridge = np.exp(mode[-1]) * np.eye(design.shape[1])
    for _ in range(4):
        center = np.average(relative, weights=weights)
        weighted = design * weights[:, None]
        solved = np.linalg.solve(weighted.T @ design + ridge, weighted.T @ (relative - center))
        residual = relative - center - design @ solved
        if spread is None:
            spread = 2.2 * float(np.median(np.abs(residual))) ** 2 + 1e-10
        weights = 5.0 / (4.0 + residual**2 / spread)
        spread = float((weights * residual**2).mean()) + 1e-10
    coefficients: Floats = scale * solved
    return coefficients


def _relative(cost: Floats) -> Floats:
    relative: Floats = cost / np.median(cost)
    return relative - relative.mean()


def _clipped(target: Floats) -> Floats:
    middle = np.median(target)
    bound = CLIP * 1.4826 * float(np.median(np.abs(target - middle))) + 1e-9
    clipped: Floats = np.clip(target - middle, -bound, bound)
    return clipped


def _wide(prior: GroupPrior) -> GroupPrior:
    return GroupPrior(prior.log_share, prior.mean, SOURCE_WIDENING * prior.spread)
