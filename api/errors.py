"""Typed errors: each message states the rule, the value that broke it and the remedy."""

import difflib
from collections.abc import Iterable


class ArchcostError(Exception):
    """Base of every error that archcost raises on purpose."""


class ArchcostWarning(UserWarning):
    """Something is left out or goes otherwise than asked, and the work goes on."""


class ArchitectureError(ArchcostError, ValueError):
    """An architecture is malformed or belongs to no known search space."""


class UnknownNameError(ArchcostError, ValueError):
    """A device, metric, dataset, space, operation or predictor does not exist."""


class CostTableError(ArchcostError, ValueError):
    """Costs or the table that holds them break a rule."""


class IntegrityError(ArchcostError):
    """A file is not what it should be: changed, truncated or holding foreign classes."""


class TrackingError(ArchcostError):
    """The MLflow store cannot be opened, read or written."""


class MissingDataError(ArchcostError, LookupError):
    """A table or model is not there; the message says how to get it."""


def check_name(kind: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is one of `choices`.

    Parameters
    ----------
    kind : str
        What the name stands for, such as ``"device"``; starts the error message.
    value : object
        The name to check.
    choices : iterable of str
        The valid names.

    Returns
    -------
    str
        `value`, unchanged.

    Raises
    ------
    UnknownNameError
        If `value` is no valid name; the message lists the choices and the nearest one.

    Examples
    --------
    >>> check_name("device", "raspi5", ["fpga", "raspi4"])
    Traceback (most recent call last):
    ...
    archcost.errors.UnknownNameError: device must be one of ['fpga', 'raspi4'], but got \
'raspi5'; did you mean 'raspi4'?
    """
    names = sorted(choices)
    if isinstance(value, str):
        if value in names:
            return value
        by_lower = {name.lower(): name for name in names}
        near = difflib.get_close_matches(value.lower(), by_lower, n=1, cutoff=0.4)
        hint = f"; did you mean {by_lower[near[0]]!r}?" if near else ""
    else:
        hint = ""
    raise UnknownNameError(f"{kind} must be one of {names}, but got {value!r}{hint}")
