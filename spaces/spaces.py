"""The search spaces by name."""

from typing import Any

import numpy as np

from archcost.errors import ArchitectureError, check_name
from archcost.spaces.fbnet import FBNet
from archcost.spaces.nasbench201 import NASBench201
from archcost.spaces.space import SearchSpace

SPACES: dict[str, SearchSpace] = {space.name: space for space in (NASBench201(), FBNet())}
"""Every search space; a new one is one file and one entry here."""


def get_space(space: str | SearchSpace) -> SearchSpace:
    """Return the search space of a name; a space is returned as it is.

    Raises
    ------
    UnknownNameError
        If there is no space of that name.
    """
    if isinstance(space, SearchSpace):
        return space
    return SPACES[check_name("space", space, SPACES)]


def infer_space(archs: Any) -> SearchSpace:
    """Tell which search space one architecture, or a sequence of them, belongs to.

    Parameters
    ----------
    archs : architecture, sequence of architectures, or array (n_archs, n_positions)
        The first architecture decides; the others are not looked at.

    Returns
    -------
    SearchSpace
        The only space that accepts it.

    Raises
    ------
    ArchitectureError
        If no space accepts it.

    Examples
    --------
    >>> infer_space("-".join(["skip"] * 22))
    FBNet()
    >>> infer_space([[3, 0, 1, 0, 0, 2]])
    NASBench201()
    """
    reasons = []
    for space in SPACES.values():
        first = archs
        if not space.is_single(archs):
            if not hasattr(archs, "__len__") or len(archs) == 0:
                raise ArchitectureError(
                    f"archs must hold at least one architecture, but got {archs!r}"
                )
            first = next(iter(archs))
        if isinstance(first, int | np.integer) and space.name != "nasbench201":
            continue  # a bare index is NAS-Bench-201's
        try:
            space.parse(first)
        except ArchitectureError as error:
            reasons.append(str(error))
        else:
            return space
    raise ArchitectureError("no search space accepts this architecture: " + "; ".join(reasons))
