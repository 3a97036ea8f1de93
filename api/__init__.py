"""archcost: what a neural architecture costs on a device, without running it there."""

from typing import TYPE_CHECKING

from archcost.models import pareto_front
from archcost.prediction import devices, load, predict, predict_many

__all__ = ["__version__", "devices", "load", "pareto_front", "predict", "predict_many"]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """Return the version; its reader takes longer to import than all of this."""
        if name == "__version__":
            from importlib.metadata import version

            return version("archcost")
        raise AttributeError(f"module 'archcost' has no attribute {name!r}")
