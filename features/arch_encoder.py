"""What all encoders share: they take architectures and learn the search space from them."""

from abc import abstractmethod
from typing import Any, Self

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from archcost.plugins import Plugin
from archcost.spaces.space import Ops, SearchSpace
from archcost.spaces.spaces import given_space


class ArchEncoder(Plugin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A scikit-learn transformer over architectures in any accepted form.

    Parameters
    ----------
    space : str, SearchSpace or None, default=None
        The search space, as ``get_space`` takes it; None takes the only one that the
        architectures given to ``fit`` belong to.
    dataset : str or None, default=None
        Fixes the input size of the networks; None is the space's default.

    Attributes
    ----------
    space_ : SearchSpace
        The search space.
    dataset_ : str
        The dataset.
    """

    def __init__(self, space: str | SearchSpace | None = None, dataset: str | None = None) -> None:
        self.space = space
        self.dataset = dataset

    def fit(self, archs: Any, y: object = None) -> Self:
        """Learn the search space; nothing else of `archs` matters and `y` is ignored.

        Parameters
        ----------
        archs : sequence of architectures or array (n_archs, n_positions)
            In any accepted form.
        y : ignored
            There for scikit-learn.

        Returns
        -------
        ArchEncoder
            Itself.

        Raises
        ------
        ArchitectureError
            If `space` is None and the architectures belong to no space, or to more than one.

        Examples
        --------
        >>> from archcost.features import get_encoder
        >>> get_encoder("one_hot")().fit([[3, 0, 1, 0, 0, 2]]).space_
        NASBench201()
        """
        return self.bind(given_space(self.space, archs))

    def bind(self, space: SearchSpace) -> Self:
        """Fit to a search space without any architecture; return itself."""
        self.space_ = space
        self.dataset_ = space.check_dataset(self.dataset)
        self._prepare()
        return self

    def transform(self, archs: Any) -> Any:
        """Encode architectures.

        Parameters
        ----------
        archs : sequence of architectures or array (n_archs, n_positions)
            In any accepted form.

        Returns
        -------
        numpy.ndarray of float64, shape (n_archs, n_features), or list of graphs
            One row, or graph, an architecture.
        """
        check_is_fitted(self, "space_")
        return self._encode(self.space_.parse_many(archs))

    def _prepare(self) -> None:
        """Precompute what depends on space and dataset alone."""
        return

    @abstractmethod
    def _encode(self, ops: Ops) -> Any:
        """Encode valid op ids of shape ``(n_archs, n_positions)``."""
