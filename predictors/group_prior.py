"""Priors over how much each group of cost drivers matters on a device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NOISE, SOURCES = "noise", "sources"

# Logarithms of variances of relative cost: mean and standard deviation over devices. Set once, on
# devices that are no target of a published task (fbnet: 1080ti_64, 2080ti_64, titan_rtx_64, titanx
# at 1, 32 and 64, titanxp at 32 and 64, silver_4114, silver_4210r, gold_6240, pixel3; nasbench201:
# the sources of the task ND and devices made up to skip dead ops).
GENERIC: dict[str, tuple[float, float]] = {
    "blocks": (-5.0, 2.0),
    "kernels": (-6.0, 1.5),
    "flops": (-5.0, 1.5),
    "traffic": (-5.0, 1.5),
    "params": (-7.0, 1.5),
    "large_kernels": (-7.0, 1.5),
    "op_counts": (-7.0, 1.2),
    "stages": (-8.5, 1.5),
    "smooth": (-7.8, 1.0),
    "totals": (-5.0, 1.5),
    "kinds": (-6.0, 1.5),
    SOURCES: (-6.4, 1.5),
    NOISE: (-7.4, 2.5),
}
GENERIC_GRAPH: dict[str, tuple[float, float]] = {
    "distinct": (-7.0, 2.0),
    "live_distinct": (-5.0, 2.0),
    "critical": (-6.0, 2.0),
    "op_counts": (-3.5, 1.2),
    "folded": (-4.0, 2.0),
    "live": (-5.0, 2.0),
    "pruned": (-4.0, 2.0),
    "ops": (-9.5, 1.5),
    "folded_ops": (-9.5, 1.5),
    SOURCES: (-4.0, 1.2),
    NOISE: (-5.5, 2.5),
}
PHYSICS: tuple[tuple[float, dict[str, tuple[float, float]]], ...] = (
    (0.3, {"distinct": (-11.0, 1.0), "live_distinct": (-11.0, 1.0), "critical": (-11.0, 1.0)}),
    (0.4, {"critical": (-11.0, 1.0)}),
    (0.3, {"live_distinct": (-11.0, 1.0), "distinct": (-11.0, 1.0)}),
)
"""Hypotheses on graphs, with their probabilities: that nothing special holds, that equal ops are
merged, that branches run in parallel; each is the generic prior with some groups next to off."""
GENERIC_PSEUDO_COUNT, GENERIC_SPREAD_COUNT = 20.0, 10.0
"""Pseudo-counts of the generic prior's means and of its spreads, in devices."""

SIMILAR_PSEUDO_COUNT, SIMILAR_SPREAD_COUNT = 1.0, 2.0
"""The same under the hypothesis that the new device resembles the sources."""
SIMILAR_NARROWING = 0.7
"""Factor on the generic prior's spreads under that hypothesis."""
SIMILAR_PROBABILITY = 0.2
"""Prior probability of that hypothesis."""


@dataclass(frozen=True, slots=True)
class GroupPrior:
    """A normal prior over the log variances of the groups and of the noise.

    Parameters
    ----------
    log_share : float
        Logarithm of the probability of this hypothesis.
    mean, spread : numpy.ndarray of float64, shape (n_groups + 1,)
        Mean and standard deviation of each group's log variance, the noise last.
    """

    log_share: float
    mean: Floats
    spread: Floats

    def log_density(self, points: Floats) -> Floats:
        """Return the log density of the hypothesis and points ``(n, n_groups + 1)``."""
        standard = (points - self.mean) / self.spread
        density: Floats = self.log_share - 0.5 * (standard**2).sum(axis=1)
        return density - np.log(self.spread).sum()


def generic_prior(groups: tuple[str, ...], in_graph: bool) -> GroupPrior:
    """Return the prior of a device of which nothing is known.

    Parameters
    ----------
    groups : tuple of str
        Names of the groups, ``sources`` among them if there are any.
    in_graph : bool
        Whether the positions are the edges of a graph.
    """
    known = GENERIC | GENERIC_GRAPH if in_graph else GENERIC
    mean, spread = np.array([known[name] for name in (*groups, NOISE)]).T
    return GroupPrior(0.0, mean, spread)


def by_physics(prior: GroupPrior, groups: tuple[str, ...]) -> tuple[GroupPrior, ...]:
    """Split a prior into one hypothesis for each of ``PHYSICS`` that its groups tell apart.

    Few measurements cannot tell which physics holds, and a device that lacks it must not pay for
    columns that mean nothing there.

    Parameters
    ----------
    prior : GroupPrior
        Over the groups and the noise.
    groups : tuple of str
        Names of the groups.
    """
    if not any(name in groups for _, changed in PHYSICS for name in changed):
        return (prior,)
    priors = []
    for probability, changed in PHYSICS:
        mean, spread = prior.mean.copy(), prior.spread.copy()
        for name in changed:
            mean[groups.index(name)], spread[groups.index(name)] = changed[name]
        priors.append(GroupPrior(prior.log_share + float(np.log(probability)), mean, spread))
    return tuple(priors)


def with_generic(
    hypotheses: tuple[GroupPrior, ...], groups: tuple[str, ...]
) -> tuple[GroupPrior, ...]:
    """Return hypotheses on a graph beside generic ones of the same probability together.

    Known devices say what others may charge for, but not that a new one charges for nothing else.

    Parameters
    ----------
    hypotheses : tuple of GroupPrior
        Learned from known devices.
    groups : tuple of str
        Names of the groups.
    """
    return hypotheses + by_physics(generic_prior(groups, in_graph=True), groups)


def learned_priors(
    generic: GroupPrior, found: Floats, groups: tuple[str, ...]
) -> tuple[GroupPrior, ...]:
    """Update the generic prior with source devices, under two hypotheses.

    That the new device resembles the sources, or that the sources are examples of devices in
    general. The noise depends on how a device is measured and keeps its generic prior.

    Parameters
    ----------
    generic : GroupPrior
        The prior of a device of which nothing is known.
    found : array of float, shape (n_sources, n_groups + 1)
        Log variances found on each source with the others as its sources.
    groups : tuple of str
        Names of the groups.
    """
    if len(found) == 0:
        return by_physics(generic, groups)
    priors: list[GroupPrior] = []
    for probability, mean_count, spread_count, factor in (
        (SIMILAR_PROBABILITY, SIMILAR_PSEUDO_COUNT, SIMILAR_SPREAD_COUNT, SIMILAR_NARROWING),
        (1 - SIMILAR_PROBABILITY, GENERIC_PSEUDO_COUNT, GENERIC_SPREAD_COUNT, 1.0),
    ):
        n = len(found)
        mean = (found.sum(axis=0) + mean_count * generic.mean) / (n + mean_count)
        squares = ((found - mean) ** 2).sum(axis=0) + spread_count * (factor * generic.spread) ** 2
        spread = np.sqrt(squares / (n + spread_count))
        mean[-1], spread[-1] = generic.mean[-1], generic.spread[-1]
        prior = GroupPrior(float(np.log(probability)), mean, spread)
        priors += by_physics(prior, groups) if factor == 1.0 else (prior,)
    return tuple(priors)


@dataclass(frozen=True)
class TransferPrior:
    """The prior of a device that is not measured yet.

    Parameters
    ----------
    names : tuple of str
        Ids of the source devices.
    coefficients : numpy.ndarray of float64, shape (n_features, n_sources)
        Relative costs of the sources in the space of cost drivers.
    hypotheses : tuple of GroupPrior
        Over the log variances of the groups.
    """

    names: tuple[str, ...]
    coefficients: Floats
    hypotheses: tuple[GroupPrior, ...]

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the prior as arrays without objects; ``restore`` takes them back."""
        return {
            "source_names": np.array(self.names, dtype=str),
            "source_coefficients": self.coefficients,
            "log_shares": np.array([prior.log_share for prior in self.hypotheses]),
            "prior_means": np.stack([prior.mean for prior in self.hypotheses]),
            "prior_spreads": np.stack([prior.spread for prior in self.hypotheses]),
        }

    @classmethod
    def restore(cls, state: dict[str, npt.NDArray[Any]]) -> Self:
        """Make the prior from arrays."""
        hypotheses = zip(
            state["log_shares"].tolist(), state["prior_means"], state["prior_spreads"], strict=True
        )
        names = tuple(state["source_names"].tolist())
        return cls(names, state["source_coefficients"], tuple(GroupPrior(*h) for h in hypotheses))
