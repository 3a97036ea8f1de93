"""The search spaces by name."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from archcost.errors import ArchcostError, ArchitectureError
from archcost.plugins import find
from archcost.spaces.fbnet import FBNet
from archcost.spaces.nasbench201 import NASBench201
from archcost.spaces.space import SearchSpace

SPACES: dict[str, SearchSpace] = {space.name: space for space in (NASBench201(), FBNet())}
"""Every search space that ships or was registered; a new one is one file and one entry here."""

SHIPPED = frozenset(SPACES)
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
    found = find("space", space, SPACES, GROUP, SearchSpace)
    return found if SPACES.get(found.name) is found else register(found)


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
    known = SPACES.setdefault(made.name, made)
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
    reasons, accepting = [], []
    for name in SPACES if among is None else sorted(set(among) & set(SPACES)):
        space, first = SPACES[name], archs
        if not space.is_single(archs):
            if not hasattr(archs, "__len__") or len(archs) == 0:
                raise ArchitectureError(
                    f"archs must hold at least one architecture, but got {archs!r}"
                )
            first = next(iter(archs))
        if isinstance(first, int | np.integer) and not space.has_index:
            continue  # a bare index means nothing without a published order
        try:
            space.parse(first)
        except ArchitectureError as error:
            reasons.append(str(error))
        else:
            accepting.append(space)
    if len(accepting) > 1:
        names = [space.name for space in accepting]
        raise ArchitectureError(
            f"an architecture must belong to one search space, but {archs!r} is one of "
            f"{' and of '.join(names)}; say which, as in space={names[0]!r}"
        )
    if not accepting:
        raise ArchitectureError("no search space accepts this architecture: " + "; ".join(reasons))
    return accepting[0]
