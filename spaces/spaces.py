"""The search spaces by name."""

from collections.abc import Iterable, Mapping
from typing import Any

from archcost.errors import ArchcostError, ArchitectureError, shown
from archcost.plugins import find
from archcost.spaces.any_network import AnyNetwork, is_network
from archcost.spaces.autoformer_tiny import AutoFormerTiny
from archcost.spaces.fbnet import FBNet
from archcost.spaces.nasbench201 import NASBench201
from archcost.spaces.natsbench_size import NATSBenchSize
from archcost.spaces.ofa_mbv3 import OFAMobileNetV3
from archcost.spaces.plain_forms import is_integer, plain_form
from archcost.spaces.space import SearchSpace

SPACES: dict[str, SearchSpace] = {
    space.name: space
    for space in (NASBench201(), FBNet(), NATSBenchSize(), OFAMobileNetV3(), AutoFormerTiny())
}
"""Every search space that ships or was registered; a new one is one file and one entry here.

In each there is something to choose at positions; see ``OPEN`` for what is no such space."""

OPEN: dict[str, SearchSpace] = {space.name: space for space in (AnyNetwork(),)}
"""Spaces of any networks, in which nothing is chosen."""

FORMS: list[Any] = []
"""What ``space_forms`` knows of the registered spaces; ``register`` empties it."""

SHIPPED = frozenset([*SPACES, *OPEN])
"""Names of the spaces that ship."""

GROUP = "archcost.spaces"
"""Entry points of other packages that bring a search space each."""


def get_space(space: str | SearchSpace | type[SearchSpace]) -> SearchSpace:
    """Return the search space of a name; a space is returned as it is.

    Parameters
    ----------
    space : str, SearchSpace or class
        A name; a reference like ``"my_space.py:MySpace"``, whose space is registered; the name of
        an entry point of the group ``archcost.spaces``; or a space itself.

    Raises
    ------
    UnknownNameError
        If there is no space of that name.
    ArchcostError
        If a file has no such space, or its name is another space's.
    """
    known = known_spaces()
    found = find("space", space, known, GROUP, SearchSpace)
    return found if known.get(found.name) is found else register(found)


def known_spaces() -> dict[str, SearchSpace]:
    """Return every space by name: those to choose from, and those of any networks."""
    return {**SPACES, **OPEN}


def given_space(space: str | SearchSpace | type[SearchSpace] | None, archs: Any) -> SearchSpace:
    """Return the search space that was given, or else the only one that architectures belong to.

    Unlike ``get_space`` it does not register a space that is given as an object, so that fitting
    one thing changes nothing for others.

    Raises
    ------
    ArchitectureError
        If `space` is None and no space accepts the architectures, or more than one.
    """
    if space is None:
        return infer_space(archs)
    return space if isinstance(space, SearchSpace) else get_space(space)


def register(space: SearchSpace | type[SearchSpace]) -> SearchSpace:
    """Make a search space known by its name in this process.

    Parameters
    ----------
    space : SearchSpace or class
        The space; registering it again does nothing.

    Returns
    -------
    SearchSpace
        The space.

    Raises
    ------
    ArchcostError
        If another space has the same name.
    """
    made = space() if isinstance(space, type) else space
    known = OPEN.get(made.name) or SPACES.setdefault(made.name, made)
    FORMS.clear()
    if known != made:
        raise ArchcostError(
            f"the name of a search space must be its own, but {made.name!r} is that of {known!r} "
            f"already, with other positions or ops than {made!r}; give it another name"
        )
    return known


def infer_space(archs: Any, among: Iterable[str] | None = None) -> SearchSpace:
    """Tell which search space one architecture, or a sequence of them, belongs to.

    Parameters
    ----------
    archs : architecture, sequence of architectures, or array (n_archs, n_positions)
        The first architecture decides; the others are not looked at.
    among : iterable of str, optional
        Names of the spaces that it may belong to; all by default.

    Returns
    -------
    SearchSpace
        The only space that accepts it.

    Raises
    ------
    ArchitectureError
        If no space accepts it, or more than one.

    Examples
    --------
    >>> infer_space("-".join(["skip"] * 22))
    FBNet()
    >>> infer_space([[3, 0, 1, 0, 0, 2]])
    NASBench201()
    """
    accepting = accepting_spaces(archs, among)
    if len(accepting) > 1:
        names = [space.name for space in accepting]
        raise ArchitectureError(
            f"an architecture must belong to one search space, but {shown(archs)} is one of "
            f"{' and of '.join(names)}; say which, as in space={names[0]!r}"
        )
    return accepting[0]


def accepting_spaces(archs: Any, among: Iterable[str] | None = None) -> list[SearchSpace]:
    """Return the search spaces that accept an architecture, or the first of several; at least one.

    Parameters and errors are those of ``infer_space``.
    """
    reasons: dict[SearchSpace, str] = {}
    accepting = []
    names = set(known_spaces()) if among is None else set(among)
    if is_network(archs) or (isinstance(archs, list | tuple) and archs and is_network(archs[0])):
        return [space for name, space in OPEN.items() if name in names] or [*OPEN.values()]
    spaces = [space for name, space in SPACES.items() if name in names]
    try:
        form = plain_form(archs)
    except ArchitectureError as error:
        raise ArchitectureError("; ".join([str(error), *_hints(spaces, archs)])) from None
    for space in spaces:
        first = form
        if not space.is_single(form):
            if len(form) == 0:
                raise ArchitectureError(
                    f"archs must hold at least one architecture, but got {shown(archs)}"
                )
            first = form[0]
        if is_integer(first) and not space.has_index:
            continue  # a bare index means nothing without a published order
        try:
            space.parse(first)
        except ArchitectureError as error:
            reasons[space] = str(error)
        else:
            accepting.append(space)
    if not accepting:
        # A form that a space knows from another tool is meant for it, and so is a list of as many
        # ops as it has positions.
        is_row = not isinstance(first, (str, int, Mapping)) and getattr(first, "ndim", 1) > 0
        length = len(first) if is_row else 0
        known = [space for space in reasons if space.hint(first) or space.hint(form)]
        meant = known or [space for space in reasons if space.n_positions == length]
        why = "; ".join(dict.fromkeys(reasons[space] for space in meant or reasons))
        hints = [hint for hint in _hints(known, form) if hint not in why]
        raise ArchitectureError(
            f"no search space accepts this architecture: {'; '.join([why, *hints])}"
        )
    return accepting


def _hints(spaces: Iterable[SearchSpace], given: object) -> list[str]:
    """Return how to read a form of another tool, as the spaces know it."""
    return [hint for space in spaces if (hint := space.hint(given))]
