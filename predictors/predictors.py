"""The predictors by name."""

from archcost.predictors.base import CostPredictor
from archcost.predictors.gp import GPPredictor

PREDICTORS: dict[str, type[CostPredictor]] = {
    "gp": GPPredictor,
}
"""Every predictor; a new one is one file and one entry here."""
