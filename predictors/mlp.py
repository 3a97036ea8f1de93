"""Ensemble of small neural networks on layerwise features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.features.layerwise import LayerwiseFeatures
from archcost.predictors.base import Floats
from archcost.predictors.network_ensemble import NetworkEnsemble, column_spread
from archcost.spaces.space import Ops

if TYPE_CHECKING:
    from torch import nn


class MLPPredictor(NetworkEnsemble):
    """An ensemble of two-layer networks on layerwise features, blended with ridge regression.

    The networks see counts and work of the ops and what is live in graphs, but not which op is
    where: that would let them learn rows by heart, and ridge regression knows it better. See
    ``NetworkEnsemble`` for the blend.

    Parameters
    ----------
    n_members : int, default=5
        Networks in the ensemble, and folds.
    width : int, default=64
        Units of each hidden layer.
    max_epochs : int, default=60
        Passes over the rows; fewer on many rows (``ensemble_training.MAX_STEPS``).
    learning_rate : float, default=0.001
        Of AdamW, falling to zero along a cosine.
    weight_decay : float, default=0.3
        Decoupled weight decay.
    progress : bool, default=False
        Show a progress bar on standard error.
    seed : int, default=0
        Fixes folds, initial weights and the order of the rows.
    dataset : str or None, default=None
        Fixes the input size of the networks, and so their features; None is the space's default.
    """

    def __init__(
        self,
        n_members: int = 5,
        width: int = 64,
        max_epochs: int = 60,
        learning_rate: float = 0.001,
        weight_decay: float = 0.3,
        progress: bool = False,
        seed: int = 0,
        dataset: str | None = None,
    ) -> None:
        super().__init__(
            n_members, width, max_epochs, learning_rate, weight_decay, progress, seed, dataset
        )

    def _use_groups(self, groups: tuple[str, ...]) -> None:
        super()._use_groups(groups)
        self.encoder_ = LayerwiseFeatures(dataset=self.dataset, groups=groups).bind(self.space_)

    def _standardise(self, ops: Ops) -> None:
        features = self.encoder_.transform(ops)
        self.mean_ = features.mean(axis=0)
        self.spread_ = column_spread(features)

    def _features(self, ops: Ops) -> Floats:
        features: Floats = (self.encoder_.transform(ops) - self.mean_) / self.spread_
        return features

    def _inputs(self, ops: Ops) -> npt.NDArray[np.float32]:
        return self._features(ops).astype(np.float32)

    def _network(self) -> nn.Module:
        from archcost.predictors.mlp_network import MLPEnsemble

        return MLPEnsemble(self.n_members, len(self.mean_), self.width)

    def _outputs(self, ops: Ops) -> Floats:
        w = {name: value.astype(np.float64) for name, value in self.networks_.items()}
        hidden = _silu(self._features(ops) @ w["weight_1"] + w["bias_1"])
        hidden = _silu(hidden @ w["weight_2"] + w["bias_2"])
        outputs: Floats = (hidden @ w["weight_3"] + w["bias_3"])[..., 0]
        return outputs

    def compiled(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return the networks with everything before the first layer folded into it.

        Returns
        -------
        dict of str to numpy.ndarray, or None
            None in spaces whose features are not additive. Else ``kind`` (``mlp``), ``first``
            (n_members, n_positions, n_ops, width), whose entries at the ops sum, with
            ``bias_1``, to the first layer's input; the other weights as in the networks;
            ``linear`` (n_positions, n_ops) and ``intercept`` of the ridge regression's share; and
            ``scale_name``, ``scale`` (shift, scale, floor) and ``relative_std``.

        Notes
        -----
        ``t = intercept + sum linear[p, op] + mean over m of f_m``, where ``f_m`` has SiLU after
        ``first`` and after ``weight_2``; ``raw = t * scale + shift``; the cost is ``raw``,
        ``max(raw, 0) ** 2`` or ``exp(raw)`` by ``scale_name``, and at least ``floor``.
        """
        encoder, ridge = self.encoder_, self.ridge_
        if encoder.table_ is None or ridge.encoder_.table_ is None:
            return None
        w = {name: value.astype(np.float64) for name, value in self.networks_.items()}
        rest = 1.0 - self.blend_weight_
        per_feature = w["weight_1"] / self.spread_[:, None]
        return {
            "kind": np.array("mlp"),
            "first": np.einsum("pkf,mfh->mpkh", encoder.table_, per_feature),
            "bias_1": w["bias_1"] - (self.mean_ @ per_feature)[:, None],
            "weight_2": w["weight_2"],
            "bias_2": w["bias_2"],
            "weight_3": w["weight_3"] * self.blend_weight_,
            "bias_3": w["bias_3"] * self.blend_weight_,
            "linear": rest * (ridge.encoder_.table_ @ ridge.coefficients_),
            "intercept": np.array(rest * ridge.intercept_),
            **ridge.scale_.state(),
            "relative_std": np.array(self.relative_std_),
        }

    def _state(self) -> dict[str, npt.NDArray[Any]]:
        return {**super()._state(), "mean": self.mean_, "spread": self.spread_}

    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        super()._restore(state)
        self.mean_, self.spread_ = state["mean"], state["spread"]


def _silu(values: Floats) -> Floats:
    # The argument of exp is clipped where the sigmoid is 0 in double precision anyway.
    return values / (1.0 + np.exp(-np.maximum(values, -700.0)))
