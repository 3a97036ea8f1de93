"""What the boosted trees share: features, scale, early stopping."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from archcost.features.layerwise import SUMMARY_GROUPS, LayerwiseFeatures
from archcost.predictors.base import CostPredictor, Floats
from archcost.predictors.cost_scale import CostScale
from archcost.predictors.linear_fit import relative_spread
from archcost.spaces.space import Ops, SearchSpace

GROUPS = ("ops", *SUMMARY_GROUPS)

HELD_OUT = 0.2
"""Share of the rows that decide on the number of trees and on the standard deviation."""


class BoostedTrees(CostPredictor):
    """Boosted trees on layerwise features and the square root of the cost.

    A fifth of the rows, held out, says when to stop and how far off the predictions are; then
    that many trees are trained on all rows.
    """

    max_trees: int
    patience: ClassVar[int] = 30

    def _bind(self, space: SearchSpace) -> None:
        super()._bind(space)
        self.encoder_ = LayerwiseFeatures(dataset=self.dataset, groups=GROUPS).bind(space)

    def _fit(self, ops: Ops, cost: Floats) -> None:
        self.scale_ = CostScale.fit("sqrt", cost)
        features, target = self.encoder_.transform(ops), self.scale_.forward(cost)
        rows = np.random.default_rng(self.seed).permutation(len(cost))
        n_held_out = max(1, round(HELD_OUT * len(cost)))
        held_out, rest = rows[:n_held_out], rows[n_held_out:]
        trial, n_trees = self._train(
            features[rest], target[rest], (features[held_out], target[held_out]), self.max_trees
        )
        guess = self.scale_.inverse(self._evaluate(trial, features[held_out], n_trees))
        self.relative_std_ = relative_spread(cost[held_out], guess)
        self.booster_, self.n_trees_ = self._train(features, target, None, n_trees)

    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats]:
        features = self.encoder_.transform(ops)
        cost = self.scale_.inverse(self._evaluate(self.booster_, features, self.n_trees_))
        return cost, self.relative_std_ * cost

    def save_weights(self, folder: Path) -> None:
        """Write the trees in their library's own format, and the scale as ``weights.npz``."""
        super().save_weights(folder)
        self._save_booster(folder)

    def load_weights(self, folder: Path, space: SearchSpace) -> Self:
        """Restore what ``save_weights`` wrote; return itself."""
        super().load_weights(folder, space)
        self.booster_ = self._load_booster(folder)
        return self

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {
            **self.scale_.state(),
            "relative_std": np.array(self.relative_std_),
            "n_trees": np.array(self.n_trees_),
        }

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        self.scale_ = CostScale.restore(state)
        self.relative_std_ = float(state["relative_std"])
        self.n_trees_ = int(state["n_trees"])

    @abstractmethod
    def _train(
        self, features: Floats, target: Floats, held_out: tuple[Floats, Floats] | None, n_trees: int
    ) -> tuple[Any, int]:
        """Train at most `n_trees`, stopping early if rows are held out; return the best number."""

    @abstractmethod
    def _evaluate(self, booster: Any, features: Floats, n_trees: int) -> Floats:
        """Return the sum of the first `n_trees` trees."""

    @abstractmethod
    def _save_booster(self, folder: Path) -> None:
        """Write the trees into `folder`."""

    @abstractmethod
    def _load_booster(self, folder: Path) -> Any:
        """Read the trees from `folder`."""
