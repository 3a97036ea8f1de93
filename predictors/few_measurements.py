"""What the predictors of a device that few architectures were measured on have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from archcost.predictors.base import CostPredictor, Floats
from archcost.predictors.measurement_noise import noise_ratio
from archcost.spaces.space import Ops, SearchSpace


class FewMeasurementsPredictor(CostPredictor):
    """Predict from measurements of different precision; the subclasses say how."""

    def fit(
        self,
        archs: Any,
        cost: npt.ArrayLike,
        *,
        space: str | SearchSpace | None = None,
        cost_std: npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from architectures and their costs, precise ones counting more.

        Parameters
        ----------
        archs : sequence of architectures or array (n_archs, n_positions)
            In any accepted form; their order does not matter.
        cost : array of float, shape (n_archs,)
            Costs in ms or mJ, finite and positive.
        space : str, SearchSpace or None, default=None
            The search space; None takes the only one that the architectures belong to.
        cost_std : array of float, shape (n_archs,), optional
            Standard deviation of each cost over repeats, in the unit of the costs; NaN where it is
            unknown. Only the ratios count.

        Raises
        ------
        ArchitectureError, CostTableError
            As ``CostPredictor.fit``.
        """
        if cost_std is None:
            return super().fit(archs, cost, space=space)
        ratio = noise_ratio(np.asarray(cost_std, dtype=np.float64))
        return self._learn(self._infer, archs, cost, space, ratio)

    def _fit(self, ops: Ops, cost: Floats) -> None:
        self._infer(ops, cost, np.ones(len(cost)))

    @abstractmethod
    def _infer(self, ops: Ops, cost: Floats, ratio: Floats) -> None:
        """Learn; `ratio` is the noise variance of each measurement relative to a typical one."""
