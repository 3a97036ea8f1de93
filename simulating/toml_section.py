"""Read the values of a description file one by one, each checked with the rule it breaks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from archcost.errors import ArchcostError, check_name

T = TypeVar("T")


class TomlSection:
    """The keys of one section of a description file.

    Parameters
    ----------
    values : mapping
        The section as TOML gives it.
    where : str
        What the section is called in errors, such as ``"[array] of my_npu.toml"``.
    keys : iterable of str
        All keys that the section may have.

    Raises
    ------
    UnknownNameError
        If the section has another key; the message names the nearest one.
    ArchcostError
        If `values` is no section.

    Examples
    --------
    >>> array = TomlSection({"rows": 12}, "[array] of my_npu.toml", ["rows", "columns"])
    >>> array.integer("rows", least=1), array.integer("columns", 14, least=1)
    (12, 14)
    >>> array.number("rows", above=20)
    Traceback (most recent call last):
    ...
    archcost.errors.ArchcostError: rows in [array] of my_npu.toml must be a number above \
20, but got 12
    """

    def __init__(self, values: object, where: str, keys: Iterable[str]) -> None:
        if not isinstance(values, Mapping):
            raise ArchcostError(f"{where} must be a section with keys, but got {values!r}")
        self.where = where
        self._values = values
        known = set(keys)
        for key in values:
            check_name(f"a key in {where}", key, known)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def text(
        self, key: str, default: str | None = None, *, choices: Iterable[str] | None = None
    ) -> str:
        """Return a text that is not empty, or one of `choices`.

        Parameters
        ----------
        key : str
            Its name.
        default : str, optional
            What holds where the section lacks it; without one it must be there.
        choices : iterable of str, optional
            The only texts that are allowed.

        Returns
        -------
        str
            The text.

        Raises
        ------
        ArchcostError
            If it is missing, or breaks the rule.
        UnknownNameError
            If it is none of the choices.

        Examples
        --------
        >>> section = TomlSection({"name": "mine"}, "[array] of my_npu.toml", ["name"])
        >>> section.text("name")
        'mine'
        """
        value = self._get(key, default)
        if choices is not None:
            return check_name(f"{key} in {self.where}", value, choices)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a text in quotes", value)
        return value

    def number(
        self,
        key: str,
        default: float | None = None,
        *,
        least: float = 0.0,
        above: float = -math.inf,
    ) -> float:
        """Return a finite number of at least `least`, and above `above`.

        Parameters
        ----------
        key : str
            Its name.
        default : float, optional
            What holds where the section lacks it; without one it must be there.
        least, above : float
            Bounds: the number is at least the one and above the other.

        Returns
        -------
        float
            The number.

        Raises
        ------
        ArchcostError
            If it is missing, or breaks the rule.

        Examples
        --------
        >>> section = TomlSection({"ghz": 0.5}, "[array] of my_npu.toml", ["ghz"])
        >>> section.number("ghz", above=0)
        0.5
        """
        value = self._get(key, default)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (is_number and math.isfinite(value) and value >= least and value > above):
            bound = f"above {above:g}" if above >= least else f"of at least {least:g}"
            raise self._wrong(key, f"a number {bound}", value)
        return float(value)

    def integer(self, key: str, default: int | None = None, *, least: int = 1) -> int:
        """Return an integer of at least `least`.

        Parameters
        ----------
        key : str
            Its name.
        default : int, optional
            What holds where the section lacks it; without one it must be there.
        least : int, default=1
            The smallest that is allowed.

        Returns
        -------
        int
            The integer.

        Raises
        ------
        ArchcostError
            If it is missing, or breaks the rule.

        Examples
        --------
        >>> section = TomlSection({"rows": 12}, "[array] of my_npu.toml", ["rows", "columns"])
        >>> section.integer("rows"), section.integer("columns", 14)
        (12, 14)
        """
        value = self._get(key, default)
        if not _is_integer(value) or value < least:
            raise self._wrong(key, f"an integer of at least {least}", value)
        return int(value)

    def integers(self, key: str, *, count: int | None = None, least: int = 1) -> tuple[int, ...]:
        """Return a list of integers of at least `least`; `count` of them, if given.

        Parameters
        ----------
        key : str
            Its name.
        count : int, optional
            How many there must be.
        least : int, default=1
            The smallest that is allowed.

        Returns
        -------
        tuple of int
            The integers.

        Raises
        ------
        ArchcostError
            If it is missing, or breaks the rule.

        Examples
        --------
        >>> section = TomlSection({"shape": [12, 14]}, "[array] of my_npu.toml", ["shape"])
        >>> section.integers("shape", count=2)
        (12, 14)
        """
        value = self._get(key, None)
        fits = isinstance(value, list) and value and (count is None or len(value) == count)
        if not fits or not all(_is_integer(item) and item >= least for item in value):
            many = "" if count is None else f"{count} "
            raise self._wrong(key, f"a list of {many}integers of at least {least}", value)
        return tuple(value)

    def words(self, key: str, choices: Iterable[str], *, empty: bool = False) -> tuple[str, ...]:
        """Return a list of some of `choices`, at least one unless it may be `empty`.

        Parameters
        ----------
        key : str
            Its name.
        choices : iterable of str
            The texts that are allowed.
        empty : bool, default=False
            Whether there may be none.

        Returns
        -------
        tuple of str
            The texts.

        Raises
        ------
        ArchcostError
            If it is missing, or breaks the rule.
        UnknownNameError
            If one is none of the choices.

        Examples
        --------
        >>> section = TomlSection({"dims": ["K", "C"]}, "[array] of my_npu.toml", ["dims"])
        >>> section.words("dims", ["K", "C", "OX"])
        ('K', 'C')
        """
        value = self._get(key, None)
        if not isinstance(value, list) or not (value or empty):
            raise self._wrong(key, "a list of texts", value)
        return tuple(check_name(f"{key} in {self.where}", item, choices) for item in value)

    def raw(self, key: str) -> Any:
        """Return a value as it is, such as a section to be read by itself."""
        return self._get(key, None)

    def _get(self, key: str, default: T | None) -> Any:
        if key in self._values:
            return self._values[key]
        if default is None:
            raise ArchcostError(f"{self.where} must have the key {key!r}, but has none; add it")
        return default

    def _wrong(self, key: str, rule: str, value: object) -> ArchcostError:
        return ArchcostError(f"{key} in {self.where} must be {rule}, but got {value!r}")


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
