"""What users add from outside the package: objects, ``file.py:Name``, and entry points."""

from __future__ import annotations

import copyreg
import hashlib
import importlib.util
import sys
import warnings
from collections.abc import Iterable, Mapping, MutableMapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, SupportsIndex, TypeVar

from archcost.errors import ArchcostError, MissingDataError, check_name

MODULE_PREFIX = "archcost_plugin_"
"""How the names of modules begin that are made of users' files."""


class Named(Protocol):
    """Whatever has a name."""

    name: str


T = TypeVar("T")
N = TypeVar("N", bound=Named)


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
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise MissingDataError(f"{reference!r} must name a Python file, but there is no {path}")
    digest = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:16]
    module = _run_file(path, f"{MODULE_PREFIX}{path.stem}_{digest}")
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


class Plugin:
    """Base of the classes that users extend: objects can be sent to other processes.

    An object whose class is in a user's file is pickled with the path of that file, which the
    other process runs first.
    """

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        reduced = super().__reduce_ex__(protocol)
        module_name = type(self).__module__
        if not module_name.startswith(MODULE_PREFIX) or isinstance(reduced, str):
            return reduced
        function, (first, *others), *state = reduced
        if function is not getattr(copyreg, "__newobj__"):  # noqa: B009 (unknown to mypy)
            return reduced
        reference = f"{sys.modules[module_name].__file__}:{first.__qualname__}"
        return _new_object, (reference, *others), *state


def _new_object(reference: str, *arguments: Any) -> Any:
    """Make an object of a class in a file, as unpickling does: without calling ``__init__``."""
    made = load_object(reference)
    return made.__new__(made, *arguments)


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
                f"{reference} must be made without arguments and have all methods, but {error}"
            ) from None
    if not isinstance(found, base):
        raise ArchcostError(
            f"{reference} must be a subclass of {base.__name__} or an object of one, but it is "
            f"{found!r}"
        )
    return found


def check_attributes(kind: str, found: object, names: Iterable[str]) -> None:
    """Check that an object has attributes which are texts.

    Raises
    ------
    ArchcostError
        If one is missing or no text.
    """
    for name in names:
        value = getattr(found, name, None)
        if not isinstance(value, str) or not value:
            raise ArchcostError(
                f"a {kind} must have an attribute {name!r} that is a text, but that of "
                f"{type(found).__name__} is {value!r}; set it in the class"
            )


def register(kind: str, given: N | type[N], known: MutableMapping[str, N], base: type[N]) -> N:
    """Make an object known by its name in this process.

    Parameters
    ----------
    kind : str
        What it is, for error messages, such as ``"runtime"``.
    given : object or class
        An object of `base`, or a class of it that is made without arguments.
    known : mapping from str to object
        Where it is added; an object of the same class, by module and name, is replaced.
    base : type
        What it must be an object of.

    Raises
    ------
    ArchcostError
        If it is no such object, or another class has an object of that name.
    """
    made = as_instance(given, base, getattr(given, "__name__", repr(given)))
    check_attributes(kind, made, ("name",))
    there = known.get(made.name, made)
    classes = {(type(one).__module__, type(one).__qualname__) for one in (made, there)}
    if len(classes) > 1:
        raise ArchcostError(
            f"the name of a {kind} must be its own, but {made.name!r} is that of "
            f"{type(there).__name__} already; give {type(made).__name__} another name"
        )
    known[made.name] = made
    return made


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
