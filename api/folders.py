"""Paths as users write them."""

from __future__ import annotations

from pathlib import Path

from archcost.errors import MissingDataError


def expanded(path: str | Path) -> Path:
    """Return a path with ``~`` and ``~user`` replaced by the folder that they stand for.

    Raises
    ------
    MissingDataError
        If there is no such user.

    Examples
    --------
    >>> expanded("/data/tables").as_posix()
    '/data/tables'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise MissingDataError(
            f"a path that begins with ~ must name a user of this machine, but got {str(path)!r}; "
            "write the folder in full"
        ) from None
