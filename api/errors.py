"""Typed errors: each message states the rule, the value that broke it and the remedy."""

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import cast


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


LONGEST_SHOWN = 300
"""Characters of a value in an error message; the middle of a longer one is left out."""

FEW_NAMES = 8
"""A message lists at most so many names before it says which one is nearest."""


def shown(value: object) -> str:
    """Return a value as error messages show it: bounded, whatever it is and however it prints.

    Examples
    --------
    >>> shown("raspi5"), shown(10**6000)
    ("'raspi5'", 'an integer of 19932 bits')
    """
    if type(value) is int and value.bit_length() > 4 * LONGEST_SHOWN:
        return f"an integer of {value.bit_length()} bits"  # Python refuses to print long ones
    try:
        text = repr(value)
    except Exception:  # too deep, too long, or a foreign class that fails
        return f"a {type(value).__name__} that cannot be printed"
    if len(text) <= LONGEST_SHOWN:
        return text
    return f"{text[: LONGEST_SHOWN // 2]} ... {text[-LONGEST_SHOWN // 2 :]}"


def check_name(kind: str, value: object, choices: Iterable[str], nearest: str | None = None) -> str:
    """Return `value` if it is one of `choices`.

    Parameters
    ----------
    kind : str
        What the name stands for, such as ``"device"``; starts the error message.
    value : object
        The name to check.
    choices : iterable of str
        The valid names.
    nearest : str, optional
        The choice to name in an error; the most similar spelling by default.

    Returns
    -------
    str
        `value`, unchanged.

    Raises
    ------
    UnknownNameError
        If `value` is no valid name; the message has the nearest one and the choices.

    Examples
    --------
    >>> check_name("device", "raspi5", ["fpga", "raspi4"])
    Traceback (most recent call last):
    ...
    archcost.errors.UnknownNameError: device must be one of ['fpga', 'raspi4'], but got \
'raspi5'; did you mean 'raspi4'?
    >>> check_name("device", "board10", [f"board{i}" for i in range(10)])
    Traceback (most recent call last):
    ...
    archcost.errors.UnknownNameError: device must be one of the 10 listed below, but got \
'board10'; did you mean 'board1'? There are: board0, board1, board2, board3, board4, board5, \
board6, board7, board8, board9
    """
    names = sorted(choices)
    hint = ""
    if isinstance(value, str):
        if value in names:
            return value
        by_lower = {name.lower(): name for name in names}
        near = difflib.get_close_matches(value[:LONGEST_SHOWN].lower(), by_lower, n=1)
        hint = f"; did you mean {by_lower[near[0]]!r}?" if near else ""
        hint = hint if nearest is None else f"; the nearest is {nearest!r}"
    if len(names) <= FEW_NAMES:
        raise UnknownNameError(f"{kind} must be one of {names}, but got {shown(value)}{hint}")
    there = f"{'' if hint.endswith('?') else '.'} There are: {', '.join(names)}"
    raise UnknownNameError(
        f"{kind} must be one of the {len(names)} listed below, but got {shown(value)}{hint}{there}"
    )


def check_type(what: str, value: object, kinds: type | tuple[type, ...], rule: str) -> None:
    """Refuse a value that is not of the kind that a function takes.

    Parameters
    ----------
    what : str
        What the value stands for, such as ``"table"``; starts the error message.
    value : object
        The value to check.
    kinds : type or tuple of type
        What it may be.
    rule : str
        What it must be, in words, with where to get one; ends the rule.

    Raises
    ------
    ArchcostError
        If it is something else.

    Examples
    --------
    >>> check_type("path", 3, str, "the name of a file")
    Traceback (most recent call last):
    ...
    archcost.errors.ArchcostError: path must be the name of a file, but got 3
    """
    if not isinstance(value, kinds):
        raise ArchcostError(f"{what} must be {rule}, but got {shown(value)}")


def check_number(
    what: str,
    value: object,
    least: float = -math.inf,
    most: float = math.inf,
    *,
    whole: bool = False,
) -> float:
    """Return `value` if it is a number within bounds; truth values, texts and NaN are none.

    Parameters
    ----------
    what : str
        What the number is, such as ``"budget"``; starts the error message.
    value : object
        The number to check, of Python or numpy.
    least, most : float, optional
        The smallest and the largest number allowed.
    whole : bool, default=False
        Whether it must be an integer.

    Returns
    -------
    float
        `value`, unchanged.

    Raises
    ------
    ArchcostError
        If it is none.

    Examples
    --------
    >>> check_number("budget", "many", 1, whole=True)
    Traceback (most recent call last):
    ...
    archcost.errors.ArchcostError: budget must be an integer, but got 'many'
    >>> check_number("budget", 0, 1, whole=True)
    Traceback (most recent call last):
    ...
    archcost.errors.ArchcostError: budget must be at least 1, but got 0
    """
    kind = numbers.Integral if whole else numbers.Real
    # A truth value is an integer to Python, and a duration is one to numpy.
    is_number = isinstance(value, kind) and type(value).__name__ not in ("bool", "timedelta64")
    try:
        number = float(cast(float, value)) if is_number else math.nan
    except OverflowError:
        number = math.nan
    if math.isnan(number):
        raise ArchcostError(
            f"{what} must be {'an integer' if whole else 'a number'}, but got {shown(value)}"
        )
    if number < least:
        raise ArchcostError(f"{what} must be at least {least:g}, but got {shown(value)}")
    if number > most:
        raise ArchcostError(f"{what} must be at most {most:g}, but got {shown(value)}")
    return cast(float, value)
