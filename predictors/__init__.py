"""Predictors of a cost from architectures, all scikit-learn regressors."""

from archcost.predictors.base import CostPredictor
from archcost.predictors.gnn import GNNPredictor
from archcost.predictors.gp import GPPredictor
from archcost.predictors.lgbm import LightGBMPredictor
from archcost.predictors.lookup import LookupPredictor
from archcost.predictors.mlp import MLPPredictor
from archcost.predictors.predictors import PREDICTORS
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
    "RidgePredictor",
    "TransferPredictor",
    "XGBoostPredictor",
]
