"""Predictors of a cost from architectures, all scikit-learn regressors."""

from archcost.predictors.base import CostPredictor
from archcost.predictors.gp import GPPredictor
from archcost.predictors.predictors import PREDICTORS

__all__ = ["PREDICTORS", "CostPredictor", "GPPredictor"]
