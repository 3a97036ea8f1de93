"""Tell a search space by the form and length of an architecture alone, in well under 1 us."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from archcost.spaces.space import SearchSpace
from archcost.spaces.spaces import FORMS, SPACES


@dataclass(frozen=True, slots=True)
class Forms:
    """What tells the registered spaces apart; what two of them share is left out.

    Parameters
    ----------
    spaces : tuple of SearchSpace
        The spaces.
    by_length : dict of int to str
        Space by number of positions.
    by_start : dict of str to str or dict of int to str
        Space by the first character of a string, or by that and the number of dashes.
    with_index : str or None
        The space whose architectures have an index.
    """

    spaces: tuple[SearchSpace, ...]
    by_length: dict[int, str]
    by_start: dict[str, str | dict[int, str]]
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
    ('fbnet', None, 'nasbench201')
    """
    forms: Forms = FORMS[0] if FORMS else _renewed()
    if len(forms.spaces) != len(SPACES):
        forms = _renewed()
    kind = type(arch)
    if kind is str:
        found = forms.by_start.get(arch[:1])
        return found.get(arch.count("-")) if isinstance(found, dict) else found
    if kind is int:
        return forms.with_index
    if (kind is list or kind is tuple) and arch and type(arch[0]) is int:
        return forms.by_length.get(len(arch))
    if isinstance(arch, np.ndarray) and arch.ndim and arch.dtype.kind == "i":
        return forms.by_length.get(arch.shape[-1])
    return None


def forget() -> None:
    """Look at the registered spaces anew, as after ``register``."""
    FORMS.clear()


def _renewed() -> Forms:
    spaces = tuple(SPACES.values())
    lengths, indexed = defaultdict(list), []
    for space in spaces:
        lengths[space.n_positions].append(space.name)
        if space.has_index:
            indexed.append(space.name)
    forms = Forms(
        spaces,
        {length: names[0] for length, names in lengths.items() if len(names) == 1},
        _starts(spaces),
        indexed[0] if len(indexed) == 1 else None,
    )
    FORMS[:] = [forms]
    return forms


def _starts(spaces: tuple[SearchSpace, ...]) -> dict[str, str | dict[int, str]]:
    """Return what the beginnings of strings tell; nothing if a space's could be any string."""
    whole: dict[str, set[str]] = defaultdict(set)
    dashed: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for space in spaces:
        joined = type(space).split is SearchSpace.split and type(space).join is SearchSpace.join
        if joined and not any("-" in op or not op for op in space.op_names):
            for first in next(iter(space.slots.values())):
                dashed[first[0]][space.n_positions - 1].add(space.name)
        elif space.starts_with:
            whole[space.starts_with[0]].add(space.name)
        else:
            return {}
    starts: dict[str, str | dict[int, str]] = {
        start: next(iter(names))
        for start, names in whole.items()
        if len(names) == 1 and start not in dashed
    }
    for start, by_dashes in dashed.items():
        if start not in whole:
            starts[start] = {
                n_dashes: next(iter(names))
                for n_dashes, names in by_dashes.items()
                if len(names) == 1
            }
    return starts
