"""What users add from outside the package: objects, ``file.py:Name``, and entry points."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import warnings
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from archcost.errors import ArchcostError, MissingDataError, check_name
from archcost.folders import expanded

T = TypeVar("T")


def is_reference(name: object) -> bool:
    """Tell whether `name` is a string like ``my_space.py:MySpace``."""
    return isinstance(name, str) and ".py:" in name


def load_object(reference: str) -> Any:
    """Run a Python file once and return the object of a name in it.

    Parameters
    ----------
    reference : str
        Path and name, such as ``"my_space.py:MySpace"``.

    Returns
    -------
    object
        The same object at every call, as long as the file does not change.

    Raises
    ------
    MissingDataError
        If the file is not there.
    UnknownNameError
        If the file holds nothing of that name.
    ArchcostError
        If the file cannot be run.
    """
    file, _, name = reference.rpartition(":")
    path = expanded(file).resolve()
    if not path.is_file():
        raise MissingDataError(f"{reference!r} must name a Python file, but there is no {path}")
    digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:16]
    module = _run_file(path, f"archcost_plugin_{path.stem}_{digest}")
    if not hasattr(module, name):
        names = [known for known in vars(module) if not known.startswith("_")]
        check_name(f"the name in {path.name}", name, names)
    return getattr(module, name)


@cache
def _run_file(path: Path, module_name: str) -> Any:
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickle look modules up there
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise ArchcostError(
            f"{path} must be a Python file that can be imported, but it raised "
            f"{type(error).__name__}: {error}"
        ) from error
    return module


def as_instance(found: object, base: type[T], reference: object) -> T:
    """Return an object of a class that users may add; a class is called without arguments.

    Raises
    ------
    ArchcostError
        If it is no such object, or cannot be made without arguments.
    """
    if isinstance(found, type) and issubclass(found, base):
        try:
            found = found()
        except TypeError as error:
            raise ArchcostError(
                f"{reference} must be made without arguments, but {error}"
            ) from None
    if not isinstance(found, base):
        raise ArchcostError(
            f"{reference} must be a subclass of {base.__name__} or an object of one, but it is "
            f"{found!r}"
        )
    return found


def find(kind: str, given: object, known: Mapping[str, T], group: str, base: type[T]) -> T:
    """Return what `given` stands for: an object, a known name, a file's, or an entry point.

    Parameters
    ----------
    kind : str
        What it is, for error messages, such as ``"space"``.
    given : object
        An object of `base` (returned as it is) or a class of it; a key of `known`; a reference
        like ``my_space.py:MySpace``; or the name of an installed entry point.
    known : mapping from str to object
        What ships and what was registered.
    group : str
        Group of the entry points, such as ``"archcost.spaces"``.
    base : type
        What it must be an object of.

    Raises
    ------
    UnknownNameError
        If there is nothing of that name; the message lists what there is.
    ArchcostError, MissingDataError
        If a reference cannot be loaded.
    """
    if isinstance(given, base):
        return given
    if isinstance(given, type):
        return as_instance(given, base, given.__name__)
    if isinstance(given, str) and given in known:
        return known[given]
    if is_reference(given):
        return as_instance(load_object(str(given)), base, given)
    installed = entry_points(group=group)
    if isinstance(given, str) and given in installed.names:
        return as_instance(installed[given].load(), base, f"the entry point {given} of {group}")
    return known[check_name(kind, given, {*known, *installed.names})]


def installed(group: str, base: type[T]) -> dict[str, T]:
    """Return all objects of a group of entry points; one that fails is left out with a warning."""
    found = {}
    for entry in entry_points(group=group):
        try:
            found[entry.name] = as_instance(entry.load(), base, f"the entry point {entry.name}")
        except Exception as error:  # whatever a foreign package raises when it is imported
            warnings.warn(
                f"the entry point {entry.name} of {group} is left out: {error}", stacklevel=2
            )
    return found
