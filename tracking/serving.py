"""What MLflow loads to serve a cost model: a saved folder behind one ``predict``.

MLflow finds this module by its name (``loader_module``), so a logged model holds the folder's open
formats and no pickled code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from archcost.datasets import CostKey
from archcost.errors import ArchcostError, ArchitectureError, shown
from archcost.models import CostModel
from archcost.networks import Graph
from archcost.spaces.space import Ops

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import ModelSignature

ARCH = "arch"
RETURN_STD = "return_std"
"""Parameter of a request: whether to answer with standard deviations, too."""


class ServedModel:
    """Answer data frames with a column ``arch`` by data frames of costs.

    Parameters
    ----------
    model : CostModel
        The model.
    """

    def __init__(self, model: CostModel) -> None:
        self.model = model

    def predict(self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None) -> Any:
        """Predict the cost of each row.

        Parameters
        ----------
        model_input : pandas.DataFrame
            Column ``arch``: strings, published indices or lists of ops, in any mixture. Of a model
            of any networks: references such as ``timm:resnet18@160``, paths to ``.onnx`` files
            that the server can read, and graphs as ``Graph.to_json`` writes them.
        params : mapping, optional
            ``{"return_std": True}`` asks for standard deviations, too.

        Returns
        -------
        pandas.DataFrame
            One row a row of `model_input`, with the column ``latency_ms`` or ``energy_mj``, and
            with standard deviations ``latency_ms_std`` or ``energy_mj_std``.

        Raises
        ------
        mlflow.exceptions.MlflowException
            If an architecture is malformed, or measurements hardly cover a network; the scoring
            server answers with status 400.
        """
        import pandas as pd

        column = cost_column(self.model.key)
        try:
            archs = self._parsed(model_input[ARCH].tolist())
            costs, stds = self.model.predict(archs, return_std=True) if len(archs) else ((), ())
        except ArchcostError as error:
            from mlflow.exceptions import MlflowException
            from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE

            raise MlflowException(str(error), error_code=INVALID_PARAMETER_VALUE) from None
        answer = {column: costs}
        if (params or {}).get(RETURN_STD):
            answer[f"{column}_std"] = stds
        return pd.DataFrame(answer, index=model_input.index, dtype=float)

    def _parsed(self, archs: list[Any]) -> Ops | list[Graph]:
        """Return op ids; a list of numbers would be one architecture, so each is parsed alone."""
        space = self.model.space
        if space.is_open:
            return [self._network(place, arch) for place, arch in enumerate(archs)]
        rows = np.empty((len(archs), space.n_positions), dtype=space.dtype)
        for place, arch in enumerate(archs):
            try:
                rows[place] = space.parse(self._plain(arch), self.model.key.dataset)
            except ArchitectureError as error:
                raise ArchitectureError(f"architecture {place}: {error}") from None
        return rows

    def _network(self, place: int, arch: Any) -> Graph:
        try:
            if isinstance(arch, str) and arch.lstrip().startswith("{"):
                return Graph.from_json(arch)
            if not isinstance(arch, str):
                raise ArchitectureError(
                    "a network must be a reference such as 'timm:resnet18', a path to an .onnx "
                    f"file, or the JSON of a graph, but got {shown(arch)}"
                )
            return self.model.space.networks([arch])[0]
        except ArchcostError as error:
            raise ArchitectureError(f"network {place}: {error}") from None

    def _plain(self, arch: Any) -> Any:
        """Return a cell as it was meant: data frames and texts make indices floats or strings."""
        if self.model.space.has_index:
            if isinstance(arch, float) and arch.is_integer():
                return int(arch)
            if isinstance(arch, str) and arch.strip().isdecimal():
                return int(arch)
        return arch


def cost_column(key: CostKey) -> str:
    """Return the name of a cost with its unit, such as ``latency_ms``."""
    return f"{key.metric}_{key.unit.lower()}"


def signature(key: CostKey) -> ModelSignature:
    """Return what MLflow is to accept and give: architectures of any form in, costs out."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec, Schema

    column = cost_column(key)
    any_form = AnyType()  # type: ignore[no-untyped-call]
    return ModelSignature(
        Schema([ColSpec(any_form, ARCH)]),
        Schema([ColSpec("double", column), ColSpec("double", f"{column}_std", required=False)]),
        ParamSchema([ParamSpec(RETURN_STD, "boolean", False)]),
    )


def _load_pyfunc(data_path: str) -> ServedModel:
    """Load a saved model folder; MLflow calls this by its name."""
    model = CostModel.load(Path(data_path))
    if model.space.is_open:
        _ = model.network_costs  # damage is found before there are requests
    return ServedModel(model)
