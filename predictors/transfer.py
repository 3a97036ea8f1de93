"""Predictor of a device that few architectures were measured on."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.features.cost_drivers import LATER_DRIVERS, REFERENCE, CostDrivers
from archcost.predictors.base import Floats
from archcost.predictors.few_measurements import FewMeasurementsPredictor
from archcost.predictors.group_posterior import infer
from archcost.predictors.group_prior import (
    SOURCES,
    GroupPrior,
    TransferPrior,
    by_physics,
    generic_prior,
    with_generic,
)
from archcost.predictors.measurement_noise import interval_widening
from archcost.predictors.measuring_choice import drawn_variances, mean_variances
from archcost.spaces.space import Ops, SearchSpace

WORK_SLOPE_PRIOR, WORK_SLOPE_PRIOR_IN_GRAPHS = 0.1, 0.2
"""Prior mean of the relative cost that one standard deviation of work adds, by kind of space."""
LEAST_EXPECTED = 0.2
"""Lower bound on expected relative costs where the typical cost is estimated."""
FLOOR_SHARE = 0.2
"""Share of the cheapest measurement below which the soft floor acts on predictions."""


class TransferPredictor(FewMeasurementsPredictor):
    r"""Bayesian linear regression on cost drivers and on the costs of known devices.

    .. math:: y(a) = \bar y \, (1 + b\,h(a) + z(a)^T \beta + c + \epsilon), \quad
              \beta \sim N(0, \textstyle\sum_g w_g I_g + w_s B B^T)

    with the work :math:`h`, the groups :math:`g` of cost drivers :math:`z` and the coefficients
    :math:`B` of the source devices. The variances are averaged over, under a prior learned by
    leaving each source out; the noise is heavy-tailed. Costs are modelled in proportion to the
    typical cost rather than in logarithms, since costs of layers add up. Without sources
    (``with_prior``) the prior is generic.

    Parameters
    ----------
    seed : int, default=0
        Fixes the samples of the variances.
    dataset : str or None, default=None
        Fixes the input size of the networks, and so their features; None is the space's default.

    Attributes
    ----------
    left_out_ : numpy.ndarray of float64, shape (n_archs,)
        Leave-one-out predictions in the unit of the costs, in the order of ``measured_``.
    measured_, measured_cost_ : numpy.ndarray
        The architectures and costs of the fit, sorted.
    coefficients_ : numpy.ndarray of float64, shape (n_features,)
        What each cost driver adds to the relative cost, sources included.
    """

    prior: TransferPrior | None = None

    def with_prior(self, prior: TransferPrior) -> Self:
        """Use the prior that ``learn_prior`` made from source devices; return itself.

        The prior is no parameter, as it is no JSON: it is saved with the weights.
        """
        self.prior = prior
        return self

    def bind(self, space: SearchSpace) -> Self:
        """Prepare for a space without any measurement; return itself."""
        self._bind(space)
        return self

    def __sklearn_clone__(self) -> Self:
        clone = type(self)(self.seed, self.dataset)
        return clone if self.prior is None else clone.with_prior(self.prior)

    def _bind(self, space: SearchSpace) -> None:
        super()._bind(space)
        self._use_drivers(())
        self._use(self.prior or no_sources(self.drivers_))

    def _use_drivers(self, without: tuple[str, ...]) -> None:
        self.drivers_ = CostDrivers(dataset=self.dataset, without=without).bind(self.space_)

    def _use(self, prior: TransferPrior) -> None:
        self.prior_ = prior
        self.sources_ = scaled_sources(self.drivers_, prior.coefficients)
        n_drivers, n_sources = prior.coefficients.shape
        self.groups_ = dict(self.drivers_.groups_)
        if n_sources:
            self.groups_[SOURCES] = slice(n_drivers, n_drivers + n_sources)

    def _infer(self, ops: Ops, cost: Floats, ratio: Floats) -> None:
        # If all architectures cost the same, work costs nothing there.
        self.work_slope_ = work_slope_prior(self.space_) if np.ptp(cost) > 0 else 0.0
        expected = self.expected(ops)
        self.unit_ = float(np.median(cost / np.maximum(expected, LEAST_EXPECTED)))
        target = cost / self.unit_ - expected
        found = infer(
            self.features(ops),
            target,
            list(self.groups_.values()),
            self.prior_.hypotheses,
            self.seed,
            ratio,
        )
        self.posterior_mean_ = found.mean
        self.coefficients_ = self._in_drivers(found.mean[:-1])
        self.offset_ = float(found.mean[-1])
        self.left_out_ratio_ = (target - found.left_out) / (found.left_out_std * np.sqrt(ratio))
        widening = interval_widening(self.left_out_ratio_)
        self.root_ = widening * np.vstack([self._in_drivers(found.root[:-1]), found.root[-1:]])
        self.noise_ = widening**2 * found.noise
        self.log_variances_ = found.log_variances
        self.floor_ = FLOOR_SHARE * float(cost.min())
        self.measured_, self.measured_cost_ = ops, cost
        self.left_out_ = soft_floor(self.unit_ * (expected + found.left_out), self.floor_)

    def expect(
        self, space: SearchSpace, weights: Floats, typical_cost: float, level_spread: float
    ) -> Self:
        """Predict before any measurement: the weighted mean of the sources; return itself.

        Parameters
        ----------
        space : SearchSpace
            The search space.
        weights : array of float, shape (n_sources,)
            Share of each source in the mean, sum 1.
        typical_cost : float
            Cost to expect of a typical architecture, in ms or mJ.
        level_spread : float
            Standard deviation of the logarithm of that cost.

        Returns
        -------
        TransferPredictor
            Itself, ready to predict.

        Examples
        --------
        >>> from archcost.spaces import NASBench201
        >>> from archcost.training.transfer_sources import transfer_prior
        >>> space = NASBench201()
        >>> prior = transfer_prior(space, ["raspi4", "fpga"], "cifar10", without="mine")
        >>> predictor = TransferPredictor(0, "cifar10").with_prior(prior)
        >>> expected = predictor.expect(space, np.array([0.5, 0.5]), 10.0, 0.5)
        >>> bool(expected.predict([[3] * 6])[0] > expected.predict([[0] * 6])[0])
        True
        """
        self.bind(space)
        coefficients = self.prior_.coefficients
        n_drivers, n_sources = coefficients.shape
        self.work_slope_ = 0.0 if n_sources else work_slope_prior(space)
        reference = self.drivers_.transform(space.sample(min(REFERENCE, space.n_archs), seed=0))
        spread = np.maximum((reference @ coefficients).std(axis=0), 1e-9)
        # Of equal spread, so that the mean is about that of the sources' ranks.
        alike = coefficients / spread * (spread @ weights)
        mean = alike @ weights
        self.posterior_mean_ = np.concatenate([mean, np.zeros(n_sources + 1)])
        self.coefficients_, self.offset_ = mean, 0.0
        apart = (alike - mean[:, None]) * np.sqrt(weights)
        root = np.zeros((n_drivers + 1, n_sources + 1))
        root[:-1, :-1], root[-1, -1] = apart, np.sqrt(np.expm1(level_spread**2))
        self.root_ = root
        likeliest = max(self.prior_.hypotheses, key=lambda prior: prior.log_share)
        self.log_variances_ = likeliest.mean
        self.unit_, self.noise_ = typical_cost, float(np.exp(likeliest.mean[-1]))
        self.floor_ = FLOOR_SHARE * LEAST_EXPECTED * typical_cost
        self.measured_ = np.empty((0, space.n_positions), dtype=space.dtype)
        self.measured_cost_ = self.left_out_ = np.empty(0)
        return self

    def features(self, ops: Ops) -> Floats:
        """Return cost drivers and the costs of the sources; shape (n_archs, n_features)."""
        drivers = self.drivers_.transform(ops)
        return np.hstack([drivers, drivers @ self.sources_])

    def design_variances(self) -> list[tuple[float, Floats]]:
        """Return the log variances for which to choose what to measure first.

        Where positions are edges of a graph, devices differ in kind (dead ops, equal ops, branches
        at once), and the choice must tell kinds that no known device is of. In a chain costs add
        up everywhere, and the choice is sharper for the mean variances.
        """
        if self.space_.edges is None:
            return mean_variances(self.prior_.hypotheses)
        return drawn_variances(with_generic(self.prior_.hypotheses, tuple(self.groups_)))

    def updated_priors(self) -> tuple[GroupPrior, ...]:
        """Return the posterior means of the log variances, as a prior for further choices."""
        return (GroupPrior(0.0, self.log_variances_, np.ones(len(self.log_variances_))),)

    def expected(self, ops: Ops) -> Floats:
        """Return the prior mean of the relative cost, from the work alone."""
        expected: Floats = 1 + self.work_slope_ * self.drivers_.work(ops)
        return expected

    def _in_drivers(self, values: Floats) -> Floats:
        """Return coefficients of drivers and sources as coefficients of drivers alone."""
        n_drivers = len(self.sources_)
        combined: Floats = values[:n_drivers] + self.sources_ @ values[n_drivers:]
        return combined

    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats | None]:
        drivers = self.drivers_.transform(ops)
        cost = self.unit_ * (self.expected(ops) + drivers @ self.coefficients_ + self.offset_)
        floored = soft_floor(cost, self.floor_)
        if not return_std:
            return floored, None
        spread = drivers @ self.root_[:-1] + self.root_[-1]
        std = self.unit_ * np.sqrt((spread**2).sum(axis=1) + self.noise_)
        return floored, std

    def compiled(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return tables of the mean and of a root of the variance, if the drivers are additive.

        Returns
        -------
        dict of str to numpy.ndarray, or None
            ``kind`` (``additive_posterior``); ``table`` (n_positions, n_ops) and ``intercept``,
            whose sum is the cost; ``root_table`` (n_positions, n_ops, n_roots) and ``root``
            (n_roots,), whose sum's squared norm plus ``noise`` is its variance; and ``floor``.
        """
        drivers = self.drivers_
        if drivers.table_ is None or drivers.work_table_ is None:
            return None
        space = self.space_
        slope = self.unit_ * self.work_slope_
        mean = self.unit_ * drivers.table_ @ self.coefficients_ + slope * drivers.work_table_[:-1]
        intercept = self.unit_ * (1 + self.offset_ - drivers.offset_ @ self.coefficients_)
        root = self.unit_ * (self.root_[-1] - drivers.offset_ @ self.root_[:-1])
        roots = self.unit_ * drivers.table_ @ self.root_[:-1]
        return {
            "kind": np.array("additive_posterior"),
            "table": mean.reshape(space.n_positions, space.n_ops),
            "intercept": np.array(intercept + slope * drivers.work_table_[-1]),
            "root_table": roots.reshape(space.n_positions, space.n_ops, -1),
            "root": root,
            "noise": np.array(self.unit_**2 * self.noise_),
            "floor": np.array(self.floor_),
        }

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {
            **self.prior_.state(),
            "left_out_drivers": np.array(self.drivers_.without, dtype=str),
            "numbers": np.array(
                [self.unit_, self.offset_, self.noise_, self.floor_, self.work_slope_]
            ),
            "posterior_mean": self.posterior_mean_,
            "root": self.root_,
            "measured": self.measured_,
            "measured_cost": self.measured_cost_,
            "left_out": self.left_out_,
            "log_variances": self.log_variances_,
        }

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        known = "left_out_drivers" in state
        self._use_drivers(tuple(state["left_out_drivers"].tolist()) if known else LATER_DRIVERS)
        self._use(TransferPrior.restore(state))
        self.prior = self.prior_
        numbers = state["numbers"].tolist()
        self.unit_, self.offset_, self.noise_, self.floor_, self.work_slope_ = numbers
        self.posterior_mean_, self.root_ = state["posterior_mean"], state["root"]
        self.coefficients_ = self._in_drivers(self.posterior_mean_[:-1])
        self.measured_, self.measured_cost_ = state["measured"], state["measured_cost"]
        self.left_out_, self.log_variances_ = state["left_out"], state["log_variances"]


def work_slope_prior(space: SearchSpace) -> float:
    """Return the prior mean of the relative cost that one standard deviation of work adds."""
    return WORK_SLOPE_PRIOR if space.edges is None else WORK_SLOPE_PRIOR_IN_GRAPHS


def no_sources(drivers: CostDrivers) -> TransferPrior:
    """Return the generic prior, which no source device has a part in."""
    n_drivers = len(drivers.get_feature_names_out())
    groups = tuple(drivers.groups_)
    generic = generic_prior(groups, drivers.space_.edges is not None)
    return TransferPrior((), np.zeros((n_drivers, 0)), by_physics(generic, groups))


def scaled_sources(drivers: CostDrivers, coefficients: Floats) -> Floats:
    """Return the sources' coefficients scaled so that their costs have variance one together."""
    if coefficients.shape[1] == 0:
        return coefficients
    space = drivers.space_
    reference = drivers.transform(space.sample(min(REFERENCE, space.n_archs), seed=0))
    spread = (reference @ coefficients).std(axis=0)
    scaled: Floats = coefficients / np.maximum(spread, 1e-9) / np.sqrt(coefficients.shape[1])
    return scaled


def soft_floor(cost: Floats, floor: float) -> Floats:
    """Keep costs positive and in their order: smooth, and the identity above the floor."""
    below = np.maximum(1 - cost / floor, 0.0)
    floored: Floats = np.where(below > 0, floor / (1 + below), cost)
    return floored
