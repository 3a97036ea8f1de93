"""Config dicts of other tools: every entry is obeyed or refused, none is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from archcost.errors import ArchitectureError, shown
from archcost.spaces.dataset import Dataset
from archcost.spaces.plain_forms import is_integer

DATASET, N_CLASSES = "dataset", "num_classes"


class HasDatasets(Protocol):
    """What of a search space these functions ask for."""

    @property
    def name(self) -> str:
        """Its id."""

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """What its networks are made for."""

    def check_dataset(self, dataset: str | Dataset | None) -> str:
        """Return the dataset's name."""

    def dataset(self, name: str | Dataset | None = None) -> Dataset:
        """Return the dataset."""


def config_dataset(
    space: HasDatasets, config: Mapping[str, Any], asked: str | None = None
) -> str | None:
    """Return the dataset that a config names by ``dataset`` or ``num_classes``; None if neither.

    Parameters
    ----------
    space : HasDatasets
        Whose architecture it is.
    config : mapping
        What a user gave.
    asked : str, optional
        The dataset that was asked for beside it, which as many classes may mean too.

    Raises
    ------
    UnknownNameError
        If the space has no such dataset.
    ArchitectureError
        If no dataset of the space has so many classes, or not the one that is named.
    """
    named = None if config.get(DATASET) is None else space.check_dataset(config[DATASET])
    if N_CLASSES not in config:
        return named
    given = config[N_CLASSES]
    meant = space.datasets if named is None else (space.dataset(named),)
    by_classes = {data.n_classes: data.name for data in meant}
    if named is None and asked is not None:
        by_classes[space.dataset(asked).n_classes] = asked
    if not is_integer(given) or given not in by_classes:
        raise ArchitectureError(
            f"{N_CLASSES} of a config of {space.name} must be one of {sorted(by_classes)}"
            f"{f' on {named}' if named else ''}, but got {shown(given)}"
        )
    return by_classes[given]


def entry_of_config(
    space: HasDatasets,
    config: Mapping[str, Any],
    key: str,
    fixed: Mapping[str, object],
    ignored: tuple[str, ...] = (),
) -> Any:
    """Return the entry of a config that names the architecture, with all others checked.

    Parameters
    ----------
    space : HasDatasets
        Whose architecture it is.
    config : mapping
        What a user gave.
    key : str
        The entry to return.
    fixed : mapping
        Entries that may be there with one value only: all networks of the space have it.
    ignored : tuple of str
        Entries that the caller checks.

    Raises
    ------
    ArchitectureError
        If the entry is missing, another one has a value that the networks of
        the space do not have, or an entry is none of a config.
    """
    if key not in config:
        raise ArchitectureError(
            f"a config of {space.name} must hold {key!r}, but got the keys {shown(list(config))}"
        )
    for name, value in config.items():
        comparable = isinstance(value, str) or is_integer(value)
        if name in fixed and not (comparable and value == fixed[name]):
            raise ArchitectureError(
                f"{name} of a config of {space.name} must be {fixed[name]!r}, as all costs of "
                f"{space.name} are of such networks, but got {shown(value)}"
            )
        if name not in {key, DATASET, N_CLASSES, *fixed, *ignored}:
            known = [key, *ignored, DATASET, N_CLASSES, *fixed]
            raise ArchitectureError(
                f"a config of {space.name} must hold nothing but {known}, but got {shown(name)}, "
                "which would change nothing; leave it out"
            )
    return config[key]
