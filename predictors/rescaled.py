"""Predictor of a known device on another dataset, from what it costs on the first."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.features.cost_drivers import CostDrivers, counts_tell_work
from archcost.features.resized_work import find_prices, priced_work
from archcost.predictors.base import Floats
from archcost.predictors.few_measurements import FewMeasurementsPredictor
from archcost.predictors.group_posterior import infer
from archcost.predictors.group_prior import NOISE, GroupPrior
from archcost.predictors.known_costs import KnownCosts
from archcost.predictors.measurement_noise import interval_widening
from archcost.predictors.transfer import (
    FLOOR_SHARE,
    LEAST_EXPECTED,
    soft_floor,
    work_slope_prior,
)
from archcost.spaces.space import Ops, SearchSpace

REFERENCE = 800
"""Random architectures on which the prices of work are found."""

PRIOR: dict[str, tuple[float, float]] = {
    "cost": (-3.5, 1.5),
    NOISE: (-8.0, 2.0),
}
DRIVERS = (-10.0, 2.0)
"""Mean and standard deviation over devices of the log variances of what differs from the prior
mean: the spread of costs, each group of cost drivers; and of the noise. Chosen, as the prior means,
on NAS-Bench-201 and FBNet networks measured at a second size (``docs/notes/transfer.md``)."""

PART = 1.0, (-2.5, 1.0)
"""Prior mean of the part that the resized costs have in the new ones, and the log variance of what
differs from it."""
PART_UNKNOWN = 0.25, (-1.4, 1.0)
"""The same where each op asks for the same work wherever it stands: one dataset does not tell the
price of its launch from that of its work, and the truth may lie anywhere between the two."""
FORMER_PART = 0.5
"""Prior mean of the part in models saved without it."""

UNKNOWN_SPREAD, UNKNOWN_SHARE = 0.3, 0.5
"""Standard deviation of the logarithm of a cost that was extrapolated without any measurement, and
what is added to it per unit of the logarithm of how much more the work is."""


class RescaledPredictor(FewMeasurementsPredictor):
    r"""Bayesian linear regression on what the same device costs on another dataset.

    .. math:: y(a) = \bar y \, (1 + u(a) + \gamma\,u(a) + (\pi + \delta)\,(v(a) - u(a))
              + z(a)^T \beta + c + \epsilon)

    with :math:`u` the relative costs on the known dataset, :math:`v` those that follow from it
    when launches cost the same and work grows with the input, and :math:`z` the groups of cost
    drivers. All coefficients are near zero beforehand, and :math:`\pi` is 1, so that few
    measurements leave the extrapolation :math:`v` as it is; where the known costs cannot tell
    launches from work it is a quarter, between what is in proportion to :math:`u` and to :math:`v`.
    Without any measurement, ``extrapolate`` takes :math:`v` alone.

    Parameters
    ----------
    seed : int, default=0
        Fixes the samples of the variances.
    dataset : str or None, default=None
        The new dataset; None is the space's default.

    Attributes
    ----------
    measured_, measured_cost_, left_out_ : numpy.ndarray
        The architectures and costs of the fit, and leave-one-out predictions of them.
    """

    source: tuple[KnownCosts, str] | None = None

    def with_source(self, costs: KnownCosts, dataset: str) -> Self:
        """Use the costs of the device on another dataset.

        Without a source the work alone stands for it.

        Parameters
        ----------
        costs : KnownCosts
            What the device costs on the other dataset.
        dataset : str
            That dataset.

        Returns
        -------
        RescaledPredictor
            Itself, not fitted yet.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> known = KnownCosts.of(NASBench201(), lambda ops: 1.0 + (ops == 3).sum(axis=1))
        >>> RescaledPredictor(dataset="cifar100").with_source(known, "cifar10").source[1]
        'cifar10'
        """
        self.source = costs, dataset
        return self

    def __sklearn_clone__(self) -> Self:
        clone = type(self)(self.seed, self.dataset)
        return clone if self.source is None else clone.with_source(*self.source)

    def _bind(self, space: SearchSpace) -> None:
        super()._bind(space)
        self.dataset_ = space.check_dataset(self.dataset)
        self.drivers_ = CostDrivers(dataset=self.dataset_).bind(space)
        if self.source is None:
            known = KnownCosts.of(space, self._work_alone)
            self.known_, self.known_dataset_ = known, self.dataset_
        else:
            self.known_, self.known_dataset_ = self.source
        self.part_, self.part_prior_ = PART
        if counts_tell_work(space, self.known_dataset_):
            self.part_, self.part_prior_ = PART_UNKNOWN
        reference = space.sample(min(REFERENCE, space.n_archs), seed=0)
        cost = self.known_(reference)
        work = priced_work(space, self.known_dataset_, reference)
        self.prices_ = find_prices(work, cost)
        self.typical_ = float(np.median(cost))
        more = priced_work(space, self.dataset_, reference) @ self.prices_
        self.work_ratio_ = float(np.median(more / np.maximum(work @ self.prices_, 1e-12)))
        self.typical_resized_ = float(np.median(self.resized(reference)))

    def _work_alone(self, ops: Ops) -> Floats:
        size = work_slope_prior(self.space_) * self.drivers_.work(ops)
        cost: Floats = np.maximum(1 + size, LEAST_EXPECTED)
        return cost

    def resized(self, ops: Ops) -> Floats:
        """Return costs on the new dataset by physics alone, in the unit of the known ones.

        What the prices explain of a known cost is replaced by what they make of the new work; the
        rest is taken in proportion to the typical of both.
        """
        known = self.known_(ops)
        before = priced_work(self.space_, self.known_dataset_, ops) @ self.prices_
        after = priced_work(self.space_, self.dataset_, ops) @ self.prices_
        resized: Floats = after + self.work_ratio_ * (known - before)
        return resized

    def extrapolate(self, space: SearchSpace) -> Self:
        """Predict from the known dataset by physics alone, with wide intervals; return itself."""
        self._bind(space)
        n_features = len(self._features(space.sample(1, seed=0))[0])
        more = self.typical_resized_ / self.typical_
        self.unit_, self.extrapolated_, self.slope_ = self.typical_resized_, True, 1.0
        self.coefficients_ = np.zeros(n_features + 1)
        self.coefficients_[1] = 1 - self.part_  # the resized costs themselves
        self.root_ = np.zeros((n_features + 1, 1))
        self.noise_ = (UNKNOWN_SPREAD + UNKNOWN_SHARE * abs(np.log(more))) ** 2
        self.floor_ = 1e-3 * self.unit_
        self.measured_ = np.empty((0, space.n_positions), dtype=space.dtype)
        self.measured_cost_ = self.left_out_ = np.empty(0)
        return self

    def _features(self, ops: Ops) -> Floats:
        known = self.known_(ops) / self.typical_ - 1
        resized = self.resized(ops) / self.typical_resized_ - 1
        both = np.stack([known, resized - known], axis=1)
        return np.hstack([both, self.drivers_.transform(ops)])

    def _expected(self, features: Floats) -> Floats:
        expected: Floats = 1 + self.slope_ * (features[:, 0] + self.part_ * features[:, 1])
        return expected

    def _infer(self, ops: Ops, cost: Floats, ratio: Floats) -> None:
        self.extrapolated_ = False
        # If all architectures cost the same, it is no matter what they cost elsewhere.
        self.slope_ = 1.0 if np.ptp(cost) > 0 else 0.0
        features = self._features(ops)
        expected = self._expected(features)
        self.unit_ = float(np.median(cost / np.maximum(expected, LEAST_EXPECTED)))
        target = cost / self.unit_ - expected
        groups = [slice(0, 1), slice(1, 2)]
        groups += [slice(s.start + 2, s.stop + 2) for s in self.drivers_.groups_.values()]
        numbers = [PRIOR["cost"], self.part_prior_, *[DRIVERS] * len(self.drivers_.groups_)]
        mean, spread = np.array([*numbers, PRIOR[NOISE]]).T
        prior = GroupPrior(0.0, mean, spread)
        found = infer(features, target, groups, (prior,), self.seed, ratio)
        errors = (target - found.left_out) / (found.left_out_std * np.sqrt(ratio))
        widening = interval_widening(errors)
        self.coefficients_, self.root_ = found.mean, widening * found.root
        self.noise_ = widening**2 * found.noise
        self.floor_ = FLOOR_SHARE * float(cost.min())
        self.measured_, self.measured_cost_ = ops, cost
        self.left_out_ = soft_floor(self.unit_ * (expected + found.left_out), self.floor_)

    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats | None]:
        design, cost = self._linear(ops)
        mean = soft_floor(cost, self.floor_)
        if not return_std:
            return mean, None
        if self.extrapolated_:  # as much of a small cost as of a large one
            return mean, mean * np.sqrt(self.noise_)
        variance = ((design @ self.root_) ** 2).sum(axis=1) + self.noise_
        return mean, self.unit_ * np.sqrt(variance)

    def _linear(self, ops: Ops) -> tuple[Floats, Floats]:
        """Return the features with a constant, and the costs before they bend at the floor."""
        features = self._features(ops)
        design = np.hstack([features, np.ones((len(ops), 1))])
        cost: Floats = self.unit_ * (self._expected(features) + design @ self.coefficients_)
        return design, cost

    def compiled(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return tables of the mean and of a root of the variance, if all of it is additive.

        They are read off networks that differ from one in a single position. The arrays are those
        of ``TransferPredictor.compiled``.
        """
        space = self.space_
        is_sum = self.drivers_.table_ is not None and len(self.known_.listed) == 0
        if not is_sum or self.extrapolated_ or space.has_rules or not space.allowed.all():
            return None
        n_positions, n_ops = space.n_positions, space.n_ops
        rows = np.zeros((1 + n_positions * n_ops, n_positions), dtype=space.dtype)
        places = np.repeat(np.arange(n_positions), n_ops)
        rows[np.arange(1, len(rows)), places] = np.tile(np.arange(n_ops), n_positions)
        design, cost = self._linear(rows)
        root = self.unit_ * design @ self.root_
        return {
            "kind": np.array("additive_posterior"),
            "table": (cost[1:] - cost[0]).reshape(n_positions, n_ops),
            "intercept": np.array(cost[0]),
            "root_table": (root[1:] - root[0]).reshape(n_positions, n_ops, -1),
            "root": root[0],
            "noise": np.array(self.unit_**2 * self.noise_),
            "floor": np.array(self.floor_),
        }

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {
            **self.known_.state(),
            "known_dataset": np.array(self.known_dataset_),
            "numbers": np.array(
                [self.unit_, self.noise_, self.floor_, self.extrapolated_, self.slope_]
            ),
            "part": np.array(self.part_),
            "coefficients": self.coefficients_,
            "root": self.root_,
            "measured": self.measured_,
            "measured_cost": self.measured_cost_,
            "left_out": self.left_out_,
        }

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        self.with_source(KnownCosts.restore(self.space_, state), str(state["known_dataset"]))
        self._bind(self.space_)
        self.part_ = float(state["part"]) if "part" in state else FORMER_PART
        numbers = state["numbers"].tolist()
        self.unit_, self.noise_, self.floor_, extrapolated, self.slope_ = numbers
        self.extrapolated_ = bool(extrapolated)
        self.coefficients_, self.root_ = state["coefficients"], state["root"]
        self.measured_, self.measured_cost_ = state["measured"], state["measured_cost"]
        self.left_out_ = state["left_out"]
