"""How to train and score one predictor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archcost.errors import ArchcostError, check_name, check_number, shown
from archcost.predictors import get_predictor, predictor_name
from archcost.training.splits import SPLITS, SplitName


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How to train and score one predictor.

    Parameters
    ----------
    predictor : str, default="xgboost"
        What ``archcost.predictors.get_predictor`` takes as a name: that of a known predictor or of
        an entry point, or a reference like ``"my_predictor.py:MyPredictor"``; it is kept as the
        name that finds the class from any folder.
    params : mapping, optional
        Constructor parameters of the predictor besides its seed and dataset.
    n_train : int, optional
        Rows to learn from before scoring; all others are held out.
    test_share : float, default=0.2
        Share of the rows to hold out where `n_train` is not given.
    validation_share : float, default=0
        Share of all rows to hold out for choosing among predictors; see `split_rows`.
    split : {"random", "isomorphic", "family"}, optional
        How rows are held out; by default at random, and whole families of any networks.
    in_order : bool, default=False
        Whether the rows of the table stand in the order of measuring. Then drift is estimated from
        the training rows and taken off their costs (``archcost.training.drift``); scores stay
        those on the costs as they are.
    seed : int, default=0
        Fixes split, predictor and bootstrap.
    refit : bool, default=True
        Whether `train` learns from all rows once it has scored.

    Raises
    ------
    UnknownNameError
        If there is no such predictor or split.
    ArchcostError, MissingDataError
        If a file has no such predictor, or a number is none or beyond its bounds.
    """

    predictor: str = "xgboost"
    params: Mapping[str, Any] = field(default_factory=dict)
    n_train: int | None = None
    test_share: float = 0.2
    validation_share: float = 0.0
    split: SplitName | None = None
    in_order: bool = False
    seed: int = 0
    refit: bool = True

    def __post_init__(self) -> None:
        name = predictor_name(get_predictor(self.predictor))
        object.__setattr__(self, "predictor", name)
        if not isinstance(self.params, Mapping):
            raise ArchcostError(
                f"params must be a mapping from names to values, but got {shown(self.params)}"
            )
        check_number("seed", self.seed, 0, whole=True)
        if self.n_train is not None:
            check_number("n_train", self.n_train, 2, whole=True)
        for share in ("test_share", "validation_share"):
            check_number(share, getattr(self, share), 0, 1)
        if self.split is not None:
            check_name("split", self.split, SPLITS)
