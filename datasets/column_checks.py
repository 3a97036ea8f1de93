"""Columns of users' tables that say something else than what is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archcost.errors import CostTableError, shown


def plain_name(name: str) -> str:
    """Return a column's name without case, signs and spaces.

    Examples
    --------
    >>> plain_name(" Latency (ms)")
    'latency_ms'
    """
    return re.sub(r"[^a-z0-9]+", "_", re.sub("[µμ]", "u", name.lower())).strip("_")


def check_alike(names: Iterable[object], used: Iterable[str]) -> None:
    """Check that no other column has nearly the name of one that is read.

    Parameters
    ----------
    names : iterable of object
        All columns' names; those that are no text are like none.
    used : iterable of str
        The columns that are read.

    Raises
    ------
    CostTableError
        If a column's name differs from a used one only in case, signs or spaces, or equals it.

    Examples
    --------
    >>> check_alike(["arch", "latency_ms", "Latency (ms)"], ["arch", "latency_ms"])
    Traceback (most recent call last):
    ...
    archcost.errors.CostTableError: one column must hold 'latency_ms', but 'latency_ms' and \
'Latency (ms)' both look like it; remove or rename one
    """
    known = [name for name in names if isinstance(name, str)]
    for wanted in used:
        alike = [name for name in known if plain_name(name) == wanted]
        if len(alike) > 1 and wanted in known:
            raise CostTableError(
                f"one column must hold {wanted!r}, but {alike[0]!r} and {alike[1]!r} both look "
                "like it; remove or rename one"
            )


def check_said(columns: Mapping[str, Sequence[Any]], meant: Mapping[str, Sequence[object]]) -> None:
    """Check that columns beside the costs say what the table is read as.

    Parameters
    ----------
    columns : mapping of str to sequence
        Values by the columns' names; empty ones say nothing.
    meant : mapping of str to sequence
        For such a name the values that do not contradict, the one that is read first.

    Raises
    ------
    CostTableError
        If a value contradicts.

    Examples
    --------
    >>> check_said({"batch_size": [8, 8]}, {"batch_size": [1]})
    Traceback (most recent call last):
    ...
    archcost.errors.CostTableError: the column batch_size must say what the costs are read as, 1, \
but says 8; read it with batch_size=8, or remove the column
    """
    for name, accepted in meant.items():
        for value in columns.get(name, ()):
            empty = value is None or value != value or value == ""  # NaN is not itself
            if not empty and value not in accepted:
                value = int(value) if isinstance(value, float) and value.is_integer() else value
                raise CostTableError(
                    f"the column {name} must say what the costs are read as, "
                    f"{shown(accepted[0])}, but says {shown(value)}; read it with "
                    f"{name}={shown(value)}, or remove the column"
                )
