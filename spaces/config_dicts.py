"""Config dicts of other tools: every entry is obeyed or refused, none is passed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from archcost.errors import ArchitectureError, shown
from archcost.spaces.dataset import Dataset
from archcost.spaces.plain_forms import is_integer

FAR = 1e9
"""Beyond any choice, so that none is near."""

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
    _refuse_others(space, config, [key, *ignored, DATASET, N_CLASSES, *fixed])
    return config[key]


def check_entries(
    space: HasDatasets, config: Mapping[str, Any], needed: Sequence[str], optional: Sequence[str]
) -> None:
    """Check that a config holds all that is needed, and nothing that would be passed over.

    Raises
    ------
    ArchitectureError
        If an entry is missing, or one is none of a config of the space.
    """
    missing = [key for key in needed if key not in config]
    if missing:
        raise ArchitectureError(
            f"a config of {space.name} must hold {list(needed)}, but {missing} is missing from the "
            f"keys {shown(list(config))}"
        )
    _refuse_others(space, config, [*needed, *optional, DATASET, N_CLASSES])


def listed(space: HasDatasets, key: str, given: Any, length: int) -> list[Any]:
    """Return an entry of a config that must list so many numbers.

    Raises
    ------
    ArchitectureError
        If it is no list, or one of another length.
    """
    has_axis = isinstance(given, Sequence) or (isinstance(given, np.ndarray) and given.ndim > 0)
    values = list(given) if has_axis else None
    if values is None or isinstance(given, str) or len(values) != length:
        got = "" if values is None or isinstance(given, str) else f"{len(values)}: "
        raise ArchitectureError(
            f"{key!r} of a config of {space.name} must list {length} numbers, but got "
            f"{got}{shown(given)}"
        )
    return values


def single(space: HasDatasets, key: str, given: Any) -> Any:
    """Return an entry of a config that must be a number or a list of one.

    Raises
    ------
    ArchitectureError
        If it lists none, or several.
    """
    values = list(given) if isinstance(given, list | tuple | np.ndarray) else [given]
    if len(values) != 1:
        raise ArchitectureError(
            f"{key!r} of a config of {space.name} must be a number or a list of one, but got "
            f"{shown(given)}"
        )
    return values[0]


def chosen(space: HasDatasets, what: str, value: Any, choices: Sequence[float]) -> Any:
    """Return the choice that a number equals, or say which is the nearest.

    Parameters
    ----------
    space : HasDatasets
        Whose choice it is.
    what : str
        What is chosen, for the message, such as ``"a kernel"``.
    value : object
        What a user gave.
    choices : sequence of float
        What may be chosen.

    Raises
    ------
    ArchitectureError
        If it is none of them.
    """
    near = ""
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(
        value, bool | np.timedelta64
    ):
        for choice in choices:
            if value == choice:
                return choice
        if -FAR < value < FAR:
            near = f"; the nearest is {min(choices, key=lambda choice: abs(choice - value))}"
    some = f"{choices[0]}, {choices[1]}, ..., {choices[-1]}"
    known = list(choices) if len(choices) < 9 else some
    raise ArchitectureError(
        f"{what} of {space.name} must be one of {known}, but got {shown(value)}{near}"
    )


def _refuse_others(space: HasDatasets, config: Mapping[str, Any], known: list[str]) -> None:
    for name in config:
        if name not in known:
            raise ArchitectureError(
                f"a config of {space.name} must hold nothing but {known}, but got {shown(name)}, "
                "which would change nothing; leave it out"
            )
