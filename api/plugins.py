"""What users add from outside the package: objects, ``file.py:Name``, and entry points."""

from __future__ import annotations

import copyreg
import hashlib
import importlib.util
import sys
import warnings
from collections.abc import Iterable, Mapping, MutableMapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeVar

from archcost.errors import ArchcostError, MissingDataError, UnknownNameError, check_name

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints
from archcost.folders import expanded

MODULE_PREFIX = "archcost_plugin_"
"""How the names of modules begin that are made of users' files."""


class Named(Protocol):
    """Whatever has a name."""

    name: str


T = TypeVar("T")
N = TypeVar("N", bound=Named)


def entry_points(*, group: str) -> EntryPoints:
    """Return the installed entry points of a group; their reader takes 50 ms to import."""
    from importlib import metadata

    return metadata.entry_points(group=group)


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
    found, reference = _look_up(kind, given, known, group)
    return as_instance(found, base, reference)


def find_class(
    kind: str, given: object, known: Mapping[str, type[T]], group: str, base: type[T]
) -> type[T]:
    """Return the class that `given` stands for, as ``find`` returns an object.

    Parameters
    ----------
    kind, given, known, group, base
        As for ``find``, but `known` holds classes and `given` may be no object.

    Raises
    ------
    UnknownNameError
        If there is nothing of that name; the message lists what there is.
    ArchcostError, MissingDataError
        If a reference cannot be loaded, or is no class of `base`.
    """
    found, reference = given, getattr(given, "__name__", repr(given))
    if not isinstance(given, type):
        found, reference = _look_up(kind, given, known, group)
    if not isinstance(found, type) or not issubclass(found, base):
        raise ArchcostError(
            f"{reference} must be a subclass of {base.__name__}, but it is {found!r}"
        )
    return found


def name_of(kind: type, known: Mapping[str, type], group: str) -> str:
    """Return the name by which ``find_class`` finds a class, or the class's own if it does not."""
    for name, there in known.items():
        if there is kind:
            return name
    place = f"{kind.__module__}:{kind.__qualname__}"
    entries = [entry.name for entry in entry_points(group=group) if entry.value == place]
    return reference_of(kind) or (entries[0] if entries else kind.__qualname__)


def register_class(
    kind: str, name: str, given: type[T], known: MutableMapping[str, type[T]]
) -> None:
    """Make a class known by a name in this process.

    A class of the same module and name, such as one that a notebook defines again, replaces the
    one that is known.

    Raises
    ------
    ArchcostError
        If another class has the name.
    """
    there = known.get(name, given)
    if _identity(there) != _identity(given):
        raise ArchcostError(
            f"the name of a {kind} must be its own, but {name!r} is that of {there.__qualname__} "
            f"already; give {given.__qualname__} another name"
        )
    known[name] = given


def _identity(kind: type) -> str:
    return reference_of(kind) or f"{kind.__module__}.{kind.__qualname__}"


def _look_up(kind: str, given: object, known: Mapping[str, Any], group: str) -> tuple[Any, str]:
    """Return what a name or reference stands for, and how to call it in errors."""
    if isinstance(given, str) and given in known:
        return known[given], given
    if is_reference(given):
        return load_object(str(given)), str(given)
    there = entry_points(group=group)
    if isinstance(given, str) and given in there.names:
        return there[given].load(), f"the entry point {given} of {group}"
    try:
        return known[check_name(kind, given, {*known, *there.names})], str(given)
    except UnknownNameError as error:
        raise UnknownNameError(
            f"{error}; one of your own is given by its file, as in my_{kind}.py:Mine"
        ) from None


def reference_of(kind: type) -> str | None:
    """Return the reference under which ``load_object`` finds a class of a user's file.

    Returns
    -------
    str or None
        Such as ``"/home/me/my_space.py:MySpace"``; None if the class is in no such file.
    """
    if not kind.__module__.startswith(MODULE_PREFIX):
        return None
    return f"{sys.modules[kind.__module__].__file__}:{kind.__qualname__}"


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
