"""The predictors by name."""

from archcost.predictors.base import CostPredictor
from archcost.predictors.gnn import GNNPredictor
from archcost.predictors.gp import GPPredictor
from archcost.predictors.lgbm import LightGBMPredictor
from archcost.predictors.lookup import LookupPredictor
from archcost.predictors.mlp import MLPPredictor
from archcost.predictors.ridge import RidgePredictor
from archcost.predictors.transfer import TransferPredictor
from archcost.predictors.xgb import XGBoostPredictor

PREDICTORS: dict[str, type[CostPredictor]] = {
    "lookup": LookupPredictor,
    "ridge": RidgePredictor,
    "xgboost": XGBoostPredictor,
    "lightgbm": LightGBMPredictor,
    "mlp": MLPPredictor,
    "gnn": GNNPredictor,
    "gp": GPPredictor,
    "transfer": TransferPredictor,
}
"""Every predictor; a new one is one file and one entry here."""
