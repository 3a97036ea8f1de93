"""archcost: what a neural architecture costs on a device, without running it there."""

from archcost.models import pareto_front
from archcost.prediction import devices, load, predict, predict_many

__all__ = ["devices", "load", "pareto_front", "predict", "predict_many"]
