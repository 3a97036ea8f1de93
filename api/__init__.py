"""archcost: what a neural architecture costs on a device, without running it there."""

from archcost.face import devices, load, predict, predict_many
from archcost.models import pareto_front

__all__ = ["devices", "load", "pareto_front", "predict", "predict_many"]
