"""Cost models: a fitted predictor plus what it is for, saved, loaded and compiled."""

from archcost.models.cost_model import CostModel
from archcost.models.manifest import Manifest
from archcost.models.many_models import predict_many
from archcost.models.pareto import pareto_front
from archcost.models.store import find_model, manifests, model_keys, user_models_folder

__all__ = [
    "CostModel",
    "Manifest",
    "find_model",
    "manifests",
    "model_keys",
    "pareto_front",
    "predict_many",
    "user_models_folder",
]
