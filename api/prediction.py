"""The functions that most users need: predict, load and devices."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.datasets import CostKey
from archcost.datasets.cost_key import DEVICE_ID, dataset_id
from archcost.errors import UnknownNameError, check_name
from archcost.models import CostModel, find_model, manifests, model_keys
from archcost.models import predict_many as predict_with_models
from archcost.models.store import LOADED, MOST_LOADED
from archcost.spaces import SPACES, SearchSpace, get_space, infer_space

if TYPE_CHECKING:
    import pandas as pd

# Spaces are told apart by the length of their architectures where no two have the same.
_LENGTHS = [space.n_positions for space in SPACES.values()]
_SPACE_OF_LENGTH = {
    space.n_positions: name
    for name, space in SPACES.items()
    if _LENGTHS.count(space.n_positions) == 1
}

_models: dict[tuple[object, ...], CostModel] = LOADED  # the only state of the process
_keeping = threading.Lock()


def predict(
    arch: Any,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | None = None,
    model: str | Path | CostModel | None = None,
    return_std: bool = False,
) -> Any:
    """Predict what one architecture, or several, cost on a device.

    Parameters
    ----------
    arch : architecture, sequence of architectures, or array (n_archs, n_positions)
        In any accepted form: the space's string, op names or ids, NAS-Bench-201's index,
        HW-NAS-Bench's config dict. A flat sequence of ints is one architecture.
    device : str
        A device id, such as ``"raspi4"``; `devices` lists them.
    metric : {"latency", "energy"}, default="latency"
        Latency in ms or energy in mJ.
    space : str or SearchSpace, optional
        The search space; told from `arch` by default.
    dataset : str, optional
        The dataset, which fixes the input size; cifar10 for NAS-Bench-201 and cifar100 for FBNet
        by default.
    model : str, path or CostModel, optional
        A saved model's folder, an MLflow model URI (``models:/...``) or a model; by default your
        own model of this device, else the pretrained one.
    return_std : bool, default=False
        Also return standard deviations.

    Returns
    -------
    float or numpy.ndarray of float64, shape (n_archs,)
        Costs in ms or mJ; with `return_std` a pair (mean, std) of such.

    Raises
    ------
    ArchitectureError
        If an architecture is malformed.
    UnknownNameError
        If no model covers the device, metric or dataset.

    Examples
    --------
    >>> import archcost
    >>> cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
    >>> round(archcost.predict(cell, "eyeriss"), 3)
    3.4
    """
    if space is None:
        space = _evident_space(arch) or infer_space(arch).name
    found = _models.get((space, device, metric, dataset, model))
    if found is None:
        found = load_for(arch, device, metric, space, dataset, model)
    return found.predict(arch, return_std=return_std)


def predict_many(
    archs: Any,
    devices: Sequence[str],
    metrics: str | Sequence[str] = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | None = None,
) -> npt.NDArray[np.float64]:
    """Predict what architectures cost on several devices, in one pass.

    Parameters
    ----------
    archs : architecture, sequence of architectures, or array (n_archs, n_positions)
        In any accepted form, as for `predict`.
    devices : sequence of str
        Device ids; one may come twice, with different metrics.
    metrics : str or sequence of str, default="latency"
        One metric for all devices, or one a device.
    space : str or SearchSpace, optional
        The search space; told from `archs` by default.
    dataset : str, optional
        The dataset, which fixes the input size; the space's default by default.

    Returns
    -------
    numpy.ndarray of float64, shape (n_archs, n_devices) or (n_devices,)
        Costs in ms or mJ, the same bits as `predict` gives; `pareto_front` finds the rows worth
        having.

    Raises
    ------
    ArchitectureError
        If an architecture is malformed.
    UnknownNameError
        If no model covers a device, metric or dataset.
    ValueError
        If there are not as many metrics as devices, or no device.

    Examples
    --------
    >>> import archcost
    >>> cells = [[3, 0, 1, 0, 0, 2], [4, 2, 1, 2, 1, 1]]
    >>> archcost.predict_many(cells, ["eyeriss", "fpga"]).shape
    (2, 2)
    """
    if isinstance(devices, str):
        devices = [devices]
    if isinstance(metrics, str):
        metrics = [metrics] * len(devices)
    if not len(devices) == len(metrics) > 0:
        raise ValueError(
            f"predict_many needs devices and as many metrics, or one metric for all, but got "
            f"{len(devices)} devices and {len(metrics)} metrics"
        )
    if space is None:
        space = _evident_space(archs) or infer_space(archs).name
    models = [
        _models.get((space, device, metric, dataset, None))
        or load_for(archs, device, metric, space, dataset)
        for device, metric in zip(devices, metrics, strict=True)
    ]
    return predict_with_models(archs, models)


def load(
    device: str | Path,
    metric: str = "latency",
    *,
    space: str | SearchSpace = "nasbench201",
    dataset: str | None = None,
) -> CostModel:
    """Load the cost model of a device.

    Parameters
    ----------
    device : str or path
        A device id; or a saved model's folder or MLflow model URI, which fix the rest.
    metric : {"latency", "energy"}, default="latency"
        Latency in ms or energy in mJ.
    space : str or SearchSpace, default="nasbench201"
        The search space.
    dataset : str, optional
        The dataset; the space's default by default.

    Returns
    -------
    CostModel
        Your own model of this device, else the pretrained one.

    Raises
    ------
    UnknownNameError
        If no model covers the device, metric or dataset.
    MissingDataError, IntegrityError
        If the folder holds no model, or a damaged one.
    """
    if isinstance(device, Path) or "/" in device:
        return _load_from(device)
    space = get_space(space)
    if not DEVICE_ID.fullmatch(device):
        check_name("device", device, {key.device for key in model_keys()})
    key = CostKey(space.name, device, metric, dataset_id(space.name, dataset))
    return CostModel.load(find_model(key))


def devices(space: str | SearchSpace | None = None) -> pd.DataFrame:
    """List every cost that can be predicted: one row a space, device, metric and dataset.

    Parameters
    ----------
    space : str or SearchSpace, optional
        Only this search space.

    Returns
    -------
    pandas.DataFrame
        Columns space, device, metric, dataset, unit, kind, predictor, n_train (architectures
        trained on), spearman and kendall (on held-out architectures).
    """
    import pandas as pd

    wanted = None if space is None else get_space(space).name
    return pd.DataFrame([
        {
            "space": card.key.space,
            "device": card.key.device,
            "metric": card.key.metric,
            "dataset": card.key.dataset,
            "unit": card.key.unit,
            "kind": card.device.kind,
            "predictor": card.predictor,
            "n_train": card.training.get("n_train"),
            "spearman": card.scores.get("spearman"),
            "kendall": card.scores.get("kendall"),
        }
        for card in manifests()
        if wanted in (None, card.key.space)
    ])  # fmt: skip


def load_for(
    archs: Any,
    device: str,
    metric: str = "latency",
    space: str | SearchSpace | None = None,
    dataset: str | None = None,
    model: str | Path | CostModel | None = None,
) -> CostModel:
    """Return the loaded and compiled model that `predict` asks.

    Parameters are those of `predict`; the architectures only tell the space. What was asked for by
    name is kept, the last `MOST_LOADED` of them; a model that was given is not.

    Raises
    ------
    UnknownNameError
        If no model covers the device, metric or dataset, or `model` is of another one.
    """
    if space is None:
        space = infer_space(archs).name
    if isinstance(model, CostModel):
        return _checked(model, space, device, metric, dataset)
    asked = (space, device, metric, dataset, model)
    found = _models.get(asked)
    if found is not None:
        return found
    if model is None:
        found = load(device, metric, space=space, dataset=dataset)
        found.compile()
    else:
        found = _checked(_load_from(model), space, device, metric, dataset)
    with _keeping:
        while len(_models) >= MOST_LOADED:
            del _models[next(iter(_models))]
        _models[asked] = found
    return found


def _checked(
    model: CostModel, space: str | SearchSpace, device: str, metric: str, dataset: str | None
) -> CostModel:
    """Return a model, compiled, if it is of what was asked for."""
    key = model.key
    if (space, device, metric, dataset) != (key.space, key.device, key.metric, None):
        asked = CostKey(get_space(space).name, device, metric, dataset or key.dataset)
        if asked != key:
            raise UnknownNameError(f"the model is of {key}, but {asked} was asked for")
    model.compile()
    return model


def _evident_space(arch: Any) -> str | None:
    """Tell the space by form and length alone; whether the ops are valid is for the model."""
    kind = type(arch)
    if kind is str:
        return "nasbench201" if arch[:1] == "|" else _SPACE_OF_LENGTH.get(arch.count("-") + 1)
    if kind is int:
        return "nasbench201"
    if (kind is list or kind is tuple) and arch and type(arch[0]) is int:
        return _SPACE_OF_LENGTH.get(len(arch))
    if isinstance(arch, np.ndarray) and arch.ndim and arch.dtype.kind == "i":
        return _SPACE_OF_LENGTH.get(arch.shape[-1])
    return None


def _load_from(place: str | Path) -> CostModel:
    if isinstance(place, str) and place.startswith(("models:/", "runs:/", "mlflow-artifacts:/")):
        from archcost.training.registry import load_registered

        return load_registered(place)
    return CostModel.load(place)
