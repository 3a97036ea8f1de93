"""Find out whether the packages of an optional extra are installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from archcost.errors import MissingDataError


def installed_version(purpose: str, extra: str, *packages: str) -> str:
    """Return the version of the last of several packages that are needed together.

    Parameters
    ----------
    purpose : str
        What they are for; starts the error message.
    extra : str
        The extra of archcost that brings them.
    *packages : str
        Names as pip knows them.

    Raises
    ------
    MissingDataError
        If one is not installed; the message says how to get it.

    Examples
    --------
    >>> installed_version("cooking", "kitchen", "numpy", "pots-and-pans")
    Traceback (most recent call last):
    ...
    archcost.errors.MissingDataError: cooking needs the package 'pots-and-pans', which is \
not installed; run: pip install 'archcost[kitchen]'
    """
    try:
        return [version(package) for package in packages][-1]
    except PackageNotFoundError as missing:
        raise MissingDataError(
            f"{purpose} needs the package {missing.name!r}, which is not installed; "
            f"run: pip install 'archcost[{extra}]'"
        ) from None
