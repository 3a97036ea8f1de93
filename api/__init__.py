"""archcost: what a neural architecture costs on a device, without running it there."""

from archcost.face import devices, load, predict

__all__ = ["devices", "load", "predict"]
