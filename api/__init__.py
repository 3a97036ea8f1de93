"""archcost: what a neural architecture costs on a device, without running it there."""

from typing import TYPE_CHECKING

from archcost.models import pareto_front
from archcost.prediction import devices, load, predict, predict_many

__all__ = ["__version__", "devices", "load", "pareto_front", "predict", "predict_many"]

FOLDERS = frozenset({
    "analysis", "datasets", "features", "kernels", "measuring", "models", "networks", "predictors",
    "reading", "search", "simulating", "spaces", "tracking", "training", "zoo",
})  # fmt: skip
"""What ``import archcost`` makes known but does not load: ``archcost.training.transfer``."""

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> object:
        """Return a folder, or the version, whose reader takes longer to import than all of this."""
        if name == "__version__":
            from importlib.metadata import version

            return version("archcost")
        if name in FOLDERS:
            from importlib import import_module

            return import_module(f"archcost.{name}")
        raise AttributeError(f"module 'archcost' has no attribute {name!r}")
