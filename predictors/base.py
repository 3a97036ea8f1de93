"""The contract of all predictors: scikit-learn regressors from architectures to a cost."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from archcost.datasets.array_file import read_arrays
from archcost.errors import CostTableError
from archcost.plugins import Plugin
from archcost.spaces.space import Ops, SearchSpace
from archcost.spaces.spaces import given_space

Floats = npt.NDArray[np.float64]

LEAST_COST, MOST_COST = 1e-12, 1e15
"""Costs in ms or mJ that a predictor learns from: beyond, squares and ratios lose their digits."""


class CostPredictor(Plugin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predict a cost from architectures; the subclasses say how.

    Parameters
    ----------
    seed : int, default=0
        Fixes everything random; global generators stay untouched.
    dataset : str or None, default=None
        Fixes the input size of the networks, and so their features; None is the space's default.

    Attributes
    ----------
    space_ : SearchSpace
        The search space that it was fitted on.
    """

    seed = 0  # of subclasses whose constructor does not take them
    dataset: str | None = None

    def __init__(self, seed: int = 0, dataset: str | None = None) -> None:
        self.seed = seed
        self.dataset = dataset

    def fit(
        self, archs: Any, cost: npt.ArrayLike, *, space: str | SearchSpace | None = None
    ) -> Self:
        """Learn from architectures and their costs.

        Parameters
        ----------
        archs : sequence of architectures or array (n_archs, n_positions)
            In any accepted form; their order does not matter.
        cost : array of float, shape (n_archs,)
            Costs in ms or mJ, finite and positive.
        space : str, SearchSpace or None, default=None
            The search space, as ``get_space`` takes it; None takes the only one that the
            architectures belong to.

        Returns
        -------
        CostPredictor
            Itself.

        Raises
        ------
        ArchitectureError
            If an architecture is malformed, or belongs to several search spaces and `space` does
            not say which.
        CostTableError
            If a cost is not finite or not positive, there are not as many costs as
            architectures, or there are fewer than two.

        Examples
        --------
        >>> from archcost.predictors import RidgePredictor
        >>> from archcost.spaces import NASBench201
        >>> cells = NASBench201().sample(60, seed=0)
        >>> RidgePredictor().fit(cells, 1.0 + (cells == 3).sum(axis=1)).predict([[3] * 6]).round(2)
        array([7.])
        """
        return self._learn(self._fit, archs, cost, space)

    def _learn(
        self,
        learn: Callable[..., None],
        archs: Any,
        cost: npt.ArrayLike,
        space: str | SearchSpace | None,
        *columns: Floats,
    ) -> Self:
        """Call `learn` with valid rows, and further columns, in an order that is not theirs."""
        space = given_space(space, archs)
        ops = space.parse_many(archs)
        costs = check_costs(cost, len(ops))
        order = np.lexsort([*columns, costs, *ops.T[::-1]])
        self._bind(space)
        with threadpool_limits(1):  # the same bits on any number of cores
            learn(ops[order], costs[order], *(column[order] for column in columns))
        return self

    @overload
    def predict(self, archs: Any, return_std: Literal[False] = False) -> Floats: ...

    @overload
    def predict(self, archs: Any, return_std: Literal[True]) -> tuple[Floats, Floats]: ...

    def predict(self, archs: Any, return_std: bool = False) -> Floats | tuple[Floats, Floats]:
        """Predict the cost of architectures.

        Parameters
        ----------
        archs : sequence of architectures or array (n_archs, n_positions)
            In any accepted form.
        return_std : bool, default=False
            Also return standard deviations.

        Returns
        -------
        numpy.ndarray of float64, shape (n_archs,)
            Costs in the unit of the costs given to ``fit``; with `return_std` a pair
            (mean, std) of such arrays.

        Raises
        ------
        ArchitectureError
            If an architecture is malformed.
        sklearn.exceptions.NotFittedError
            Before ``fit``.

        Examples
        --------
        >>> from archcost.predictors import LookupPredictor
        >>> from archcost.spaces import NASBench201
        >>> cells = NASBench201().sample(60, seed=0)
        >>> fitted = LookupPredictor().fit(cells, 1.0 + (cells == 3).sum(axis=1))
        >>> mean, std = fitted.predict(cells[:2], return_std=True)
        >>> mean.shape, std.shape
        ((2,), (2,))
        """
        check_is_fitted(self, "space_")
        mean, std = self._predict(self.space_.parse_many(archs), return_std)
        if not return_std:
            return mean
        assert std is not None
        return mean, std

    def save_weights(self, folder: Path) -> None:
        """Write the fitted state into `folder`, as ``weights.npz`` or another open format."""
        check_is_fitted(self, "space_")
        arrays: dict[str, Any] = self._state()
        np.savez(folder / "weights.npz", **arrays)

    def load_weights(self, folder: Path, space: SearchSpace) -> Self:
        """Restore what ``save_weights`` wrote; return itself.

        Parameters
        ----------
        folder : pathlib.Path
            Where the weights are.
        space : SearchSpace
            The space that the predictor was fitted on.

        Returns
        -------
        CostPredictor
            Itself, fitted; it predicts what the saved one did.

        Examples
        --------
        >>> import tempfile
        >>> from archcost.predictors import LookupPredictor
        >>> from archcost.spaces import NASBench201
        >>> cells = NASBench201().sample(60, seed=0)
        >>> fitted = LookupPredictor().fit(cells, 1.0 + (cells == 3).sum(axis=1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fitted.save_weights(Path(folder))
        ...     again = LookupPredictor().load_weights(Path(folder), NASBench201())
        >>> bool((again.predict(cells) == fitted.predict(cells)).all())
        True
        """
        self._bind(space)
        self._restore(read_arrays(folder / "weights.npz"))
        return self

    def compiled(self) -> dict[str, npt.NDArray[Any]] | None:
        """Return an exact form that numpy alone evaluates, or None if there is none.

        Returns
        -------
        dict of str to numpy.ndarray, or None
            ``kind`` names the form; the rest are its arrays.
        """
        return None

    def _bind(self, space: SearchSpace) -> None:
        """Prepare what depends on the space alone."""
        self.space_ = space

    @abstractmethod
    def _fit(self, ops: Ops, cost: Floats) -> None:
        """Learn from valid rows in an order that does not depend on theirs."""

    @abstractmethod
    def _predict(self, ops: Ops, return_std: bool) -> tuple[Floats, Floats | None]:
        """Predict for valid op ids; the second value may be None unless `return_std`."""

    @abstractmethod
    def _state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the fitted state as arrays without objects."""

    @abstractmethod
    def _restore(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Take the fitted state from arrays."""


def check_costs(cost: npt.ArrayLike, n_archs: int) -> Floats:
    """Return costs as a float64 array if they are what a predictor can learn from.

    Parameters
    ----------
    cost : array of float, shape (n_archs,)
        The costs.
    n_archs : int
        How many there must be.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs,)
        The costs.

    Raises
    ------
    CostTableError
        If they are not numbers, not one an architecture, fewer than two, not finite, or not
        positive.
    """
    try:
        costs = np.asarray(cost, dtype=np.float64)
        if np.asarray(cost).dtype == bool:
            raise TypeError("truth values are no costs")
    except (TypeError, ValueError):
        raise CostTableError(
            f"costs must be numbers, but got {type(cost).__name__} {cost!r}; leave out "
            "architectures that have no cost"
        ) from None
    if costs.shape != (n_archs,):
        raise CostTableError(
            f"costs must be one number per architecture, shape ({n_archs},), "
            f"but got shape {costs.shape}"
        )
    if n_archs < 2:
        raise CostTableError(f"a predictor needs at least 2 architectures, but got {n_archs}")
    wrong = np.flatnonzero(~(np.isfinite(costs) & (costs > 0)))
    if len(wrong):
        raise CostTableError(
            f"costs must be finite and positive, but cost {wrong[0]} is {costs[wrong[0]]}; leave "
            "out architectures that did not compile or were not measured"
        )
    wrong = np.flatnonzero((costs < LEAST_COST) | (costs > MOST_COST))
    if len(wrong):
        raise CostTableError(
            f"costs must be from {LEAST_COST:g} to {MOST_COST:g} ms or mJ, but cost {wrong[0]} is "
            f"{costs[wrong[0]]}; leave it out, or correct its unit"
        )
    return costs
