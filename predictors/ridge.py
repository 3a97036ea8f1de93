"""Ridge regression on layerwise features."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.features.layerwise import SUMMARY_GROUPS, LayerwiseFeatures
from archcost.features.one_hot import one_hot_names
from archcost.predictors.base import CostPredictor, Floats
from archcost.predictors.cost_scale import SCALES, CostScale, ScaleName
from archcost.predictors.linear_fit import LinearFit, fit_ridge, relative_spread
from archcost.spaces.space import Ops, SearchSpace

GROUPS = ("ops", *SUMMARY_GROUPS)

OPS_WEIGHT = 0.1
"""Scale of the one-hot columns where work is not additive: there the work of an architecture's own
layers explains more than which op is where, and few rows do not tell the two apart."""


class RidgePredictor(CostPredictor):
    """Ridge regression on standardised layerwise features.

    The penalty minimises the leave-one-out error, and the scale of the costs the leave-one-out
    likelihood.

    Parameters
    ----------
    scale : {"linear", "sqrt", "log"} or None, default=None
        Scale of the costs; None takes the likeliest.
    groups : tuple of str, default=ops, counts, work by stage, and what is live in graphs
        Groups of ``LayerwiseFeatures``.
    seed : int, default=0
        Without effect; nothing here is random.
    dataset : str or None, default=None
        Fixes the input size of the networks, and so their features; None is the space's default.

    Attributes
    ----------
    left_out_ : numpy.ndarray of float64, shape (n_archs,)
        Leave-one-out predictions of the rows given to ``fit``, sorted, on the standardised scale
        of the costs; not saved.
    """

    def __init__(
        self,
        scale: ScaleName | None = None,
        groups: tuple[str, ...] = GROUPS,
        seed: int = 0,
        dataset: str | None = None,
    ) -> None:
        super().__init__(seed, dataset)
        self.scale = scale
        self.groups = groups

    def _bind(self, space: SearchSpace) -> None:
        super()._bind(space)
        groups = tuple(self.groups)  # JSON makes lists of tuples
        self.encoder_ = LayerwiseFeatures(dataset=self.dataset, groups=groups).bind(space)

    def _fit(self, ops: Ops, cost: Floats) -> None:
        features = self.encoder_.transform(ops)
        spread = features.std(axis=0)
        spread[spread < 1e-9] = 1.0
        if not self.encoder_.is_additive_:
            is_op = np.isin(self.encoder_.get_feature_names_out(), one_hot_names(self.space_))
            spread[is_op] /= OPS_WEIGHT
        found: list[tuple[float, CostScale, LinearFit]] = []
        for name in SCALES if self.scale is None else (self.scale,):
            scale = CostScale.fit(name, cost)
            fitted = fit_ridge(features / spread, scale.forward(cost))
            variance = float(np.mean((scale.forward(cost) - fitted.left_out) ** 2))
            loss = 0.5 * len(cost) * np.log(variance + 1e-20) - scale.log_slope(cost)
            found.append((loss, scale, fitted))
        _, self.scale_, fitted = min(found, key=lambda candidate: candidate[0])
        self.coefficients_ = fitted.coefficients / spread
        self.intercept_ = fitted.intercept
        self.left_out_ = fitted.left_out
        self.relative_std_ = relative_spread(cost, self.scale_.inverse(fitted.left_out))

    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats]:
        cost = self.scale_.inverse(self.targets(ops))
        return cost, self.relative_std_ * cost

    def targets(self, ops: Ops) -> Floats:
        """Return predictions for valid op ids on the standardised scale of the costs."""
        linear: Floats = self.encoder_.transform(ops) @ self.coefficients_ + self.intercept_
        return linear

    def compiled(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return the table of a fit whose features are additive, or are so by context.

        Returns
        -------
        dict of str to numpy.ndarray, or None
            ``kind`` (``additive``), ``table`` (n_positions, n_ops) and ``intercept``, whose sum
            is the target; ``scale_name`` and ``scale`` (shift, scale, floor), which make it the
            cost; and ``relative_std`` (a share of the cost). Where the layers at a position
            depend on few others, ``kind`` is ``contextual`` and there are, instead of ``table``,
            ``contexts`` (n_places, n_positions), whether an op counts at a place, and
            ``entries``, what its combinations add, one place after the other.
        """
        shared = {
            "intercept": np.array(self.intercept_),
            "relative_std": np.array(self.relative_std_),
            **self.scale_.state(),
        }
        if self.encoder_.table_ is not None:
            table = self.encoder_.table_ @ self.coefficients_
            return {"kind": np.array("additive"), "table": table, **shared}
        found = self.encoder_.context_tables()
        if found is None:
            return None
        contexts, tables = found
        counts = np.zeros((len(contexts), self.space_.n_positions), dtype=bool)
        for place, context in enumerate(contexts):
            counts[place, list(context)] = True
        entries = np.concatenate([table @ self.coefficients_ for table in tables])
        kind = np.array("contextual")
        return {"kind": kind, "contexts": counts, "entries": entries, **shared}

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {
            **self.scale_.state(),
            "coefficients": self.coefficients_,
            "intercept": np.array(self.intercept_),
            "relative_std": np.array(self.relative_std_),
        }

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        self.scale_ = CostScale.restore(state)
        self.coefficients_ = state["coefficients"]
        self.intercept_ = float(state["intercept"])
        self.relative_std_ = float(state["relative_std"])
