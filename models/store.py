"""Where models are: the user's folder first, then the pretrained ones that ship."""

import os
import warnings
from pathlib import Path
from typing import Any

from archcost.datasets import DEVICES, CostKey
from archcost.errors import (
    ArchcostError,
    ArchcostWarning,
    MissingDataError,
    UnknownNameError,
    check_name,
    shown,
)
from archcost.folders import expanded
from archcost.models.manifest import MANIFEST, Manifest
from archcost.spaces import get_space

FOLDER_VARIABLE = "ARCHCOST_MODEL_DIR"
"""Environment variable that overrides the folder of the user's models."""

LOADED: dict[tuple[object, ...], Any] = {}
"""Models that this process has loaded, by what was asked for; saving any model empties it."""

MOST_LOADED = 128
"""Models kept at most, the last loaded ones: more than any one space has pretrained."""

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
    if get_space(key.space).is_open and key.device not in {other.device for other in known}:
        _explain_no_model(key)
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
        f"--device {key.device} --dataset {key.dataset}` makes one; of a few, or with "
        f"--extrapolate of none, `archcost transfer {key.device} FILE --space {key.space} "
        f"--dataset {key.dataset}` does"
    )


def hides_pretrained(key: CostKey) -> bool:
    """Tell whether a model of the user's own stands in the way of a pretrained one."""
    own, shipped = (root / str(key) / MANIFEST for root in (user_models_folder(), PRETRAINED))
    return own.is_file() and shipped.is_file()


def hiding_note(key: CostKey) -> str | None:
    """Return what to say when a model of the user's own hides a pretrained one, else None."""
    if not hides_pretrained(key):
        return None
    return (
        f"{key} of your own now goes before the pretrained model of that name; `archcost models "
        f"remove {key}` brings that one back"
    )


def _explain_no_model(key: CostKey) -> None:
    """Say why a device that is published has no model of any networks."""
    if key.device in DEVICES:
        raise UnknownNameError(
            f"a device must have been measured with networks of many kinds to be predicted for any "
            f"network, but the costs of {key.device} are published of search spaces alone, and "
            "such do not carry over to other networks; measure some there (`archcost suggest "
            f"--space {key.space}`) and `archcost transfer {key.device} FILE --space {key.space}`"
        )


def model_keys(*, warn: bool = True) -> list[CostKey]:
    """Return the keys of all models, sorted.

    A folder whose name is no cost key, or one of a space that is not at hand, is skipped with a
    warning that names it, unless `warn` is False.
    """
    keys = set()
    for root in (user_models_folder(), PRETRAINED):
        for path in root.glob(f"[!.]*/{MANIFEST}"):
            try:
                keys.add(CostKey.parse(path.parent.name))
            except UnknownNameError as error:
                if warn:
                    skip(path.parent, error)
    return sorted(keys)


def manifests() -> list[Manifest]:
    """Return the manifests of all models, sorted by key, the user's in place of pretrained ones.

    A damaged model is skipped with a warning that names it.
    """
    found = []
    for key in model_keys():
        try:
            found.append(Manifest.read(find_model(key)))
        except ArchcostError as error:
            skip(key, error)
    return found


def skip(model: Path | CostKey, error: ArchcostError) -> None:
    """Warn that a model is left out, and why."""
    warnings.warn(f"the model {model} is skipped: {error}", ArchcostWarning, stacklevel=3)
