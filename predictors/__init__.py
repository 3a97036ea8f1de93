"""Predictors of a cost from architectures, all scikit-learn regressors."""

from archcost.plugins import find_class, name_of, register_class
from archcost.predictors.base import CostPredictor
from archcost.predictors.gnn import GNNPredictor
from archcost.predictors.gp import GPPredictor
from archcost.predictors.lgbm import LightGBMPredictor
from archcost.predictors.lookup import LookupPredictor
from archcost.predictors.mlp import MLPPredictor
from archcost.predictors.network_predictor import NetworkPredictor
from archcost.predictors.rescaled import RescaledPredictor
from archcost.predictors.ridge import RidgePredictor
from archcost.predictors.transfer import TransferPredictor
from archcost.predictors.xgb import XGBoostPredictor

__all__ = [
    "PREDICTORS",
    "CostPredictor",
    "GNNPredictor",
    "GPPredictor",
    "LightGBMPredictor",
    "LookupPredictor",
    "MLPPredictor",
    "NetworkPredictor",
    "RescaledPredictor",
    "RidgePredictor",
    "TransferPredictor",
    "XGBoostPredictor",
    "get_predictor",
    "predictor_name",
    "register",
]

PREDICTORS: dict[str, type[CostPredictor]] = {
    "lookup": LookupPredictor,
    "ridge": RidgePredictor,
    "xgboost": XGBoostPredictor,
    "lightgbm": LightGBMPredictor,
    "mlp": MLPPredictor,
    "gnn": GNNPredictor,
    "gp": GPPredictor,
    "transfer": TransferPredictor,
    "kernels": NetworkPredictor,
    "rescaled": RescaledPredictor,
}
"""Every predictor by name; a new one is one file and one entry here."""


def get_predictor(predictor: str | type[CostPredictor]) -> type[CostPredictor]:
    """Return the predictor class of a name; a class is returned as it is.

    Parameters
    ----------
    predictor : str or class
        A name; a reference like ``"my_predictor.py:MyPredictor"``; the name of an entry point of
        the group ``archcost.predictors``; or a subclass of ``CostPredictor``.

    Raises
    ------
    UnknownNameError
        If there is no predictor of that name.
    ArchcostError, MissingDataError
        If a file has no such predictor.

    Examples
    --------
    >>> get_predictor("ridge")().fit([[0] * 6, [3] * 6], [1.0, 9.0]).predict([[3] * 6]).shape
    (1,)
    """
    return find_class("predictor", predictor, PREDICTORS, "archcost.predictors", CostPredictor)


def predictor_name(predictor: CostPredictor | type[CostPredictor]) -> str:
    """Return the name by which ``get_predictor`` finds the class of a predictor.

    Returns
    -------
    str
        A known name, else the reference of a class in a user's file, else that of its entry
        point. A class that is none of these has the name of the class, under which it can be
        registered.
    """
    kind = predictor if isinstance(predictor, type) else type(predictor)
    return name_of(kind, PREDICTORS, "archcost.predictors")


def register(name: str, predictor: type[CostPredictor]) -> None:
    """Make a predictor known by a name in this process.

    Parameters
    ----------
    name : str
        By which it is asked for.
    predictor : class
        A subclass of ``CostPredictor``.

    Raises
    ------
    ArchcostError
        If it is no predictor, or another one has the name.

    Examples
    --------
    >>> class Mine(RidgePredictor):
    ...     '''A new predictor.'''
    >>> register("mine", Mine)
    >>> PREDICTORS.pop("mine") is Mine
    True
    """
    register_class("predictor", name, get_predictor(predictor), PREDICTORS)
