"""Tell a search space by the form and length of an architecture alone, in well under 1 us."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from archcost.spaces.space import SearchSpace
from archcost.spaces.spaces import FORMS, SPACES

Told = tuple[int, dict[int, str]]
"""A position at which no two spaces allow the same op, and the space by the op id there."""

Starts = list[tuple[tuple[str, ...], str]]
"""What the strings of a space begin with, and its name."""


@dataclass(frozen=True, slots=True)
class Forms:
    """What tells the registered spaces apart; what two of them share is left out.

    Parameters
    ----------
    spaces : tuple of SearchSpace
        The spaces.
    by_length : dict of int to str or (int, dict of int to str)
        Space by number of positions; where several have that number, a position at which no two
        of them allow the same op, and the space by the op id there.
    by_start : dict of str to list of (tuple of str, str) or dict of int to str
        By the first character of a string, what strings of each space begin with, or the space
        by the number of dashes.
    with_index : str or None
        The space whose architectures have an index.
    """

    spaces: tuple[SearchSpace, ...]
    by_length: dict[int, str | Told]
    by_start: dict[str, Starts | dict[int, str]]
    with_index: str | None


def evident_space(arch: Any) -> str | None:
    """Return the name of the only space that an architecture can be of, judged by its form.

    Whether the ops are valid is not looked at: an architecture that is malformed is refused by
    the space.

    Parameters
    ----------
    arch : architecture, or array (n_archs, n_positions)
        Any form.

    Returns
    -------
    str or None
        None if several spaces, or none, would do, or the form is not one of the common ones.

    Examples
    --------
    >>> evident_space([0] * 22), evident_space("skip"), evident_space(7)
    ('fbnet', None, None)
    """
    forms: Forms = FORMS[0] if FORMS else _renewed()
    if len(forms.spaces) != len(SPACES):
        forms = _renewed()
    kind = type(arch)
    if kind is str:
        found = forms.by_start.get(arch[:1])
        if isinstance(found, dict):
            return found.get(arch.count("-"))
        names = [name for starts, name in found or () if arch.startswith(starts)]
        return names[0] if len(names) == 1 else None
    if kind is int:
        return forms.with_index
    if (kind is list or kind is tuple) and arch and type(arch[0]) is int:
        known = forms.by_length.get(len(arch))
        return known[1].get(arch[known[0]]) if isinstance(known, tuple) else known
    if isinstance(arch, np.ndarray) and arch.ndim and arch.dtype.kind == "i":
        known = forms.by_length.get(arch.shape[-1])
        if not isinstance(known, tuple):
            return known
        if arch.size == 0:
            return None
        return known[1].get(int(arch.flat[known[0]]))
    return None


def forget() -> None:
    """Look at the registered spaces anew, as after ``register``."""
    FORMS.clear()


def _renewed() -> Forms:
    spaces = tuple(SPACES.values())
    lengths, indexed = defaultdict(list), []
    for space in spaces:
        lengths[space.n_positions].append(space)
        if space.has_index:
            indexed.append(space.name)
    forms = Forms(
        spaces,
        {length: found for length, several in lengths.items() if (found := _told_apart(several))},
        _starts(spaces),
        indexed[0] if len(indexed) == 1 else None,
    )
    FORMS[:] = [forms]
    return forms


def _told_apart(spaces: list[SearchSpace]) -> str | Told | None:
    """Return what tells spaces of one length apart: the only one, or a position; or None."""
    if len(spaces) == 1:
        return spaces[0].name
    for place in range(spaces[0].n_positions):
        ops = [(int(op), space.name) for space in spaces for op in space.choices[place]]
        if len(dict(ops)) == len(ops):
            return place, dict(ops)
    return None


def _starts(spaces: tuple[SearchSpace, ...]) -> dict[str, Starts | dict[int, str]]:
    """Return what the beginnings of strings tell; nothing if a space's could be any string."""
    whole: dict[str, Starts] = defaultdict(list)
    dashed: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for space in spaces:
        joined = type(space).split is SearchSpace.split and type(space).join is SearchSpace.join
        if joined and not any("-" in op or not op for op in space.op_names):
            for first in next(iter(space.slots.values())):
                dashed[first[0]][space.n_positions - 1].add(space.name)
        elif space.starts_with:
            for first in {start[0] for start in space.starts_with}:
                whole[first].append((space.starts_with, space.name))
        else:
            return {}
    starts: dict[str, Starts | dict[int, str]] = {
        start: told for start, told in whole.items() if start not in dashed
    }
    for start, by_dashes in dashed.items():
        if start not in whole:
            starts[start] = {
                n_dashes: next(iter(names))
                for n_dashes, names in by_dashes.items()
                if len(names) == 1
            }
    return starts
