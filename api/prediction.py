"""The functions that most users need: predict, load and devices."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import numpy.typing as npt

from archcost.datasets import METRICS, CostKey
from archcost.datasets.cost_key import DEVICE_ID, dataset_id
from archcost.errors import UnknownNameError, check_name, shown
from archcost.models import CostModel, find_model, manifests, model_keys
from archcost.models import predict_many as predict_with_models
from archcost.models.chunks import Costs
from archcost.models.store import LOADED, MOST_LOADED
from archcost.spaces import Dataset, SearchSpace, get_space, infer_space, known_spaces
from archcost.spaces.any_network import read_networks
from archcost.spaces.architecture_types import Architectures, OneArchitecture
from archcost.spaces.plain_forms import is_integer
from archcost.spaces.space_forms import evident_space
from archcost.spaces.spaces import accepting_spaces

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

_models: dict[tuple[object, ...], Any] = LOADED  # the only state of the process
_keeping = threading.Lock()

INDEXED = "space of an index"
"""Under this and a device the only space is kept whose models an index can mean."""


@overload
def predict(
    arch: Tensor,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
    return_std: Literal[False] = False,
) -> Tensor: ...
@overload
def predict(
    arch: Tensor,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
    return_std: Literal[True],
) -> tuple[Tensor, Tensor]: ...
@overload
def predict(
    arch: OneArchitecture,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
    return_std: Literal[False] = False,
    example: Any = None,
    shape: Sequence[int] | None = None,
    batch_size: int | None = None,
    extrapolate: bool = False,
) -> float: ...
@overload
def predict(
    arch: OneArchitecture,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
    return_std: Literal[True],
    example: Any = None,
    shape: Sequence[int] | None = None,
    batch_size: int | None = None,
    extrapolate: bool = False,
) -> tuple[float, float]: ...
@overload
def predict(
    arch: Architectures,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
    return_std: Literal[False] = False,
) -> Costs: ...
@overload
def predict(
    arch: Architectures,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
    return_std: Literal[True],
) -> tuple[Costs, Costs]: ...
@overload
def predict(
    arch: object,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
    return_std: Literal[False] = False,
) -> Costs | Any: ...
@overload
def predict(
    arch: object,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
    return_std: bool = False,
    example: Any = None,
    shape: Sequence[int] | None = None,
    batch_size: int | None = None,
    extrapolate: bool = False,
) -> Any: ...
def predict(
    arch: Any,
    device: str,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
    return_std: bool = False,
    example: Any = None,
    shape: Sequence[int] | None = None,
    batch_size: int | None = None,
    extrapolate: bool = False,
) -> float | Costs | Tensor | tuple[float, float] | tuple[Costs, Costs] | tuple[Tensor, Tensor]:
    """Predict what one architecture or network, or several, cost on a device.

    Parameters
    ----------
    arch : architecture, sequence of architectures, or array (n_archs, n_positions)
        In any accepted form: the space's string, op names or ids, NAS-Bench-201's index,
        HW-NAS-Bench's config dict. A flat sequence of ints is one architecture. Or any network: a
        torch module (with `example` or `shape`), an exported program, a path to an ``.onnx`` file,
        ``"timm:resnet18"``, a graph; or a list of such.
    device : str
        A device id, such as ``"raspi4"``; `devices` lists them.
    metric : {"latency", "energy"}, default="latency"
        Latency in ms or energy in mJ.
    space : str or SearchSpace, optional
        The search space; told from `arch` by default, and where several accept it, the only one
        of them that has a model of the device.
    dataset : str or Dataset, optional
        The dataset, which fixes the input size; by default the one that a config dict names, else
        the space's first. Of one of your own its name will do where a model of it is saved.
    model : str, path or CostModel, optional
        A saved model's folder, an MLflow model URI (``models:/...``) or a model; by default your
        own model of this device, else the pretrained one.
    return_std : bool, default=False
        Also return standard deviations.
    example : Tensor, tuple or dict, optional
        What a torch module is called with; only shapes and types are looked at.
    shape : sequence of int, optional
        Shape of a network's only input without the batch, such as ``(3, 224, 224)``, instead of an
        example, or where a file leaves it open.
    batch_size : int, optional
        Images at a time of a network; that of the example or file by default, else 1.
    extrapolate : bool, default=False
        Also predict networks whose ops or batch size the measurements hardly cover.

    Returns
    -------
    float, numpy.ndarray of float64, shape (n_archs,), or torch.Tensor
        Costs in ms or mJ, of the whole batch: a float for one architecture, an array for several,
        and of a tensor a tensor on its device; with `return_std` a pair (mean, std) of such.

    Raises
    ------
    ArchitectureError
        If an architecture is malformed, several search spaces would do, or a config dict is of
        another dataset.
    ArchcostError
        If a network cannot be read, or the measurements hardly cover it.
    UnknownNameError
        If no model covers the device, metric or dataset.

    Examples
    --------
    >>> import archcost
    >>> cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"
    >>> round(archcost.predict(cell, "eyeriss"), 3)
    3.4
    >>> bool(archcost.predict("resnet18@160", "cpu_onnxruntime") > 3)
    True
    """
    if example is not None or shape is not None or batch_size is not None:
        arch = read_networks(arch, example=example, shape=shape, batch_size=batch_size)
    told = evident_space(arch) if space is None else space  # a config dict is never evident
    try:
        found = _models.get((told, device, metric, dataset, model))
        if found is None and told is None and type(arch) is int:  # the space depends on the device
            told = _models.get((INDEXED, device))
            found = _models.get((told, device, metric, dataset, model))
    except (TypeError, ValueError):  # what is not hashable is no name either, as load_for says
        found = None
    if found is None or (space is not None and type(arch) is not str and _has_config(arch)):
        found = load_for(arch, device, metric, told, dataset, model)
    return found.predict(arch, return_std=return_std, extrapolate=extrapolate)


def predict_many(
    archs: Any,
    devices: Sequence[str],
    metrics: str | Sequence[str] = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
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
    dataset : str or Dataset, optional
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
        If no model covers a device, metric or dataset, there is no device, or there are not as
        many metrics as devices.

    Examples
    --------
    >>> import archcost
    >>> cells = [[3, 0, 1, 0, 0, 2], [4, 2, 1, 2, 1, 1]]
    >>> archcost.predict_many(cells, ["eyeriss", "fpga"]).shape
    (2, 2)
    """
    devices = _names("device", [devices] if isinstance(devices, str) else devices)
    metrics = _names("metric", [metrics] * len(devices) if isinstance(metrics, str) else metrics)
    if not len(devices) == len(metrics) > 0:
        raise UnknownNameError(
            f"predict_many needs devices and as many metrics, or one metric for all, but got "
            f"{len(devices)} devices and {len(metrics)} metrics"
        )
    told = evident_space(archs) if space is None else space
    known = told is not None and not _has_config(archs)
    models = [
        (known and _known((told, device, metric, dataset, None)))
        or load_for(archs, device, metric, told, dataset)
        for device, metric in zip(devices, metrics, strict=True)
    ]
    return predict_with_models(archs, models)


def load(
    device: str | Path,
    metric: str = "latency",
    *,
    space: str | SearchSpace | None = None,
    dataset: str | Dataset | None = None,
) -> CostModel:
    """Load the cost model of a device.

    Parameters
    ----------
    device : str or path
        A device id; or a saved model's folder or MLflow model URI, which fix the rest.
    metric : {"latency", "energy"}, default="latency"
        Latency in ms or energy in mJ.
    space : str or SearchSpace, optional
        The search space; by default the first one, in the order of
        ``archcost.spaces.known_spaces()``, that has a model of the device and metric (and of the
        dataset, if one is given).
    dataset : str or Dataset, optional
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

    Examples
    --------
    >>> import archcost
    >>> archcost.load("raspi4", space="nasbench201")
    CostModel(nasbench201-raspi4-latency-cifar10, ridge)
    """
    if isinstance(device, Path) or (isinstance(device, str) and "/" in device):
        return _load_from(device)
    _check_asked(device, metric)
    named = _first_space(device, metric, dataset) if space is None else get_space(space)
    _meet_datasets(named, dataset)
    key = CostKey(named.name, device, metric, dataset_id(named.name, dataset))
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
    dataset: str | Dataset | None = None,
    model: str | Path | CostModel | None = None,
) -> CostModel:
    """Return the loaded and compiled model that `predict` asks.

    Parameters are those of `predict`; the architectures only tell the space, and config dicts the
    dataset. What was asked for by name is kept; a model that was given is not.

    Raises
    ------
    UnknownNameError
        If no model covers the device, metric or dataset, or `model` is of another one.
    """
    _check_asked(device, metric)
    if model is not None and not isinstance(model, (str, Path, CostModel)):
        raise UnknownNameError(
            "model must be a saved model's folder, an MLflow URI or a CostModel, but got "
            f"{shown(model)}"
        )
    named = None if space is None else get_space(space)
    _meet_datasets(named, dataset)
    if isinstance(model, CostModel):
        return _checked(model, named, device, metric, dataset)
    if named is None and model is None:
        named = _space_of(archs, device)
    if named is not None and (dataset is not None or _has_config(archs)):
        meant = named.dataset_of(archs, dataset)
        dataset = dataset or meant  # as it is spelled where `predict` looks it up
    # The object that was given, or the name that `predict` tells quickly.
    asked = (space or (named and named.name), device, metric, dataset, model)
    found: CostModel | None = _models.get(asked)
    if found is not None:
        return found
    if model is None:
        found = load(device, metric, space=named, dataset=dataset)
        found.compile()
    else:
        found = _checked(_load_from(model), named, device, metric, dataset)
    _keep(asked, found)
    return found


def _meet_datasets(space: SearchSpace | None, dataset: str | Dataset | None) -> None:
    """Learn the datasets of saved models where a name is none of the space's own datasets."""
    if isinstance(dataset, str) and (space is None or dataset not in space.dataset_names):
        model_keys(warn=False)


def _keep(asked: tuple[object, ...], found: object) -> None:
    """Keep what was found, in place of the oldest where there is too much."""
    with _keeping:
        while len(_models) >= MOST_LOADED:
            del _models[next(iter(_models))]
        _models[asked] = found


def _known(asked: tuple[object, ...]) -> CostModel | None:
    """Return a model that is loaded already."""
    try:
        return _models.get(asked)
    except (TypeError, ValueError):  # what is not hashable is no name either, as load_for says
        return None


def _checked(
    model: CostModel,
    space: SearchSpace | None,
    device: str,
    metric: str,
    dataset: str | Dataset | None,
) -> CostModel:
    """Return a model, compiled, if it is of what was asked for."""
    key = model.key
    name = key.space if space is None else space.name
    if (name, device, metric, dataset) != (key.space, key.device, key.metric, None):
        asked = CostKey(name, device, metric, dataset_id(name, dataset or key.dataset))
        if asked != key:
            raise UnknownNameError(f"the model is of {key}, but {asked} was asked for")
    model.compile()
    return model


def _space_of(archs: Any, device: str) -> SearchSpace:
    """Return the space of architectures: where several accept them, the one with a model."""
    asked = ("spaces with a model", device)
    with_model = _models.get(asked)
    if with_model is None:  # saving a model empties it
        # A prediction needs no list of models, and warns of none that it does not use.
        with_model = {key.space for key in model_keys(warn=False) if key.device == device}
        if not with_model:  # another process may make one, so that nothing is kept
            check_name("device", device, {key.device for key in model_keys()})
        _keep(asked, with_model)
    if is_integer(archs):  # only a space with a model can be meant, even if it has no such index
        indexed = [name for name in with_model if get_space(name).has_index]
        if len(indexed) == 1:
            _keep((INDEXED, device), indexed[0])
            return get_space(indexed[0])
    accepting = accepting_spaces(archs)
    if len(accepting) == 1:
        return accepting[0]
    left = [space.name for space in accepting if space.name in with_model]
    return infer_space(archs, left or [space.name for space in accepting])


def _first_space(device: str, metric: str, dataset: str | Dataset | None) -> SearchSpace:
    """Return the first space with a model of what is asked for, else the first with the device."""
    keys = set(model_keys())
    check_name("device", device, {key.device for key in keys})
    with_device = {key.space for key in keys if key.device == device}
    spaces = [space for name, space in known_spaces().items() if name in with_device]
    for space in spaces:
        try:
            key = CostKey(space.name, device, metric, dataset_id(space.name, dataset))
        except UnknownNameError:  # no such dataset in this space
            continue
        if key in keys:
            return space
    return spaces[0]


def _check_asked(device: object, metric: object) -> None:
    if not isinstance(device, str):
        several = isinstance(device, (Sequence, np.ndarray, set, frozenset))
        raise UnknownNameError(
            f"device must be one device id, such as 'raspi4', but got {shown(device)}"
            + ("; predict_many takes several" if several else "")
        )
    if not DEVICE_ID.fullmatch(device):
        check_name("device", device, {key.device for key in model_keys()})
    check_name("metric", metric, METRICS)


def _names(kind: str, given: Any) -> list[str]:
    """Return several names in a list, whatever holds them."""
    is_list = hasattr(given, "__len__") and getattr(given, "ndim", 1) == 1
    if isinstance(given, (str, set, frozenset)) or not is_list:
        raise UnknownNameError(
            f"{kind}s must be a list of names, such as those of archcost.devices(), but got "
            f"{shown(given)}"
        )
    return list(given)


def _has_config(archs: Any) -> bool:
    """Tell whether it is a config dict, which may name a dataset, or several."""
    first = archs[0] if (type(archs) is list or type(archs) is tuple) and archs else archs
    return isinstance(first, Mapping)


def _load_from(place: str | Path) -> CostModel:
    if isinstance(place, str) and place.startswith(("models:/", "runs:/", "mlflow-artifacts:/")):
        from archcost.tracking.registry import load_registered

        return load_registered(place)
    return CostModel.load(place)
