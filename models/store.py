"""Where models are: the user's folder first, then the pretrained ones that ship."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from archcost.datasets import CostKey
from archcost.errors import MissingDataError, UnknownNameError, check_name, shown
from archcost.folders import expanded
from archcost.models.manifest import MANIFEST, Manifest

FOLDER_VARIABLE = "ARCHCOST_MODEL_DIR"
"""Environment variable that overrides the folder of the user's models."""

LOADED: dict[tuple[object, ...], Any] = {}
"""Models that this process has loaded, by what was asked for; saving any model empties it."""

PRETRAINED = Path(__file__).parent / "pretrained"


def user_models_folder() -> Path:
    """Return the folder of the user's own models; it need not exist."""
    override = os.environ.get(FOLDER_VARIABLE)
    if override:
        return expanded(override)
    import platformdirs

    return Path(platformdirs.user_data_dir("archcost", appauthor=False)) / "models"


def find_model(key: CostKey) -> Path:
    """Return the folder of the model for `key`; the user's own goes before a pretrained one.

    Raises
    ------
    UnknownNameError
        If no model covers the device (or, for a covered device, the metric or dataset); the
        message lists what there is.
    """
    for root in (user_models_folder(), PRETRAINED):
        folder = root / str(key)
        if (folder / MANIFEST).is_file():
            return folder
    known = [other for other in model_keys() if other.space == key.space]
    if not known:
        raise MissingDataError(
            f"no model of {key.space} is installed; train one with `archcost train`"
        )
    check_name(f"device of {key.space}", key.device, {other.device for other in known})
    of_device = [other for other in known if other.device == key.device]
    check_name(f"metric of {key.device}", key.metric, {other.metric for other in of_device})
    datasets = {other.dataset for other in of_device if other.metric == key.metric}
    # Another dataset is no misspelling of this one: its networks have other costs.
    raise UnknownNameError(
        f"dataset of {key.device} {key.metric} must be one of {sorted(datasets)}, for which there "
        f"are models, but got {shown(key.dataset)}; with costs of it, `archcost train --table FILE "
        f"--device {key.device} --dataset {key.dataset}` makes one"
    )


def model_keys() -> list[CostKey]:
    """Return the keys of all models, sorted."""
    return sorted({CostKey.parse(folder.name) for folder in _model_folders()})


def manifests() -> list[Manifest]:
    """Return the manifests of all models, sorted by key, the user's in place of pretrained ones."""
    return [Manifest.read(find_model(key)) for key in model_keys()]


def _model_folders() -> Iterator[Path]:
    for root in (user_models_folder(), PRETRAINED):
        if root.is_dir():
            yield from (path.parent for path in root.glob(f"[!.]*/{MANIFEST}"))
