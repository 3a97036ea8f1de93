"""What MLflow loads to serve a cost model: a saved folder behind one ``predict``.

MLflow finds this module by its name (``loader_module``), so a logged model holds the folder's open
formats and no pickled code.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from archcost.datasets import CostKey
from archcost.models import CostModel

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

ARCH = "arch"


class ServedModel:
    """Answer data frames with a column ``arch`` by data frames of costs.

    Parameters
    ----------
    model : CostModel
        The model.
    """

    def __init__(self, model: CostModel) -> None:
        self.model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Return one row a row of `model_input`, with the column ``latency_ms`` or ``energy_mj``.

        MLflow fixes the arguments; there are no `params`.
        """
        import pandas as pd

        costs = self.model.predict(model_input[ARCH].tolist())
        return pd.DataFrame({cost_column(self.model.key): costs}, index=model_input.index)


def cost_column(key: CostKey) -> str:
    """Return the name of a cost with its unit, such as ``latency_ms``."""
    return f"{key.metric}_{key.unit.lower()}"


def signature(key: CostKey) -> ModelSignature:
    """Return what MLflow is to accept and give: strings in, costs out."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    return ModelSignature(
        Schema([ColSpec("string", ARCH)]), Schema([ColSpec("double", cost_column(key))])
    )


def _load_pyfunc(data_path: str) -> ServedModel:
    """Load a saved model folder; MLflow calls this by its name."""
    return ServedModel(CostModel.load(Path(data_path)))
