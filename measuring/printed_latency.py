"""Read a latency from what a program printed."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from archcost.errors import ArchcostError, check_name

UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
"""Milliseconds in one of each unit."""

SHOWN = 300
"""Characters at the end of an output that an error shows."""


@dataclass(frozen=True)
class PrintedLatency:
    r"""Where the latency stands in a program's output.

    Without a pattern it is the key ``latency_ms`` of the last line that is a JSON object with it.

    Parameters
    ----------
    pattern : str, optional
        A regular expression whose one group is the latency; its last match counts, in standard
        output before standard error. ``^`` and ``$`` match at each line.
    unit : {"us", "ms", "s"}, default="ms"
        Unit of what the pattern finds.

    Raises
    ------
    ArchcostError
        If the pattern is no regular expression, has not one group, or a unit goes without one.

    Examples
    --------
    >>> PrintedLatency().find_ms('warming up\n{"latency_ms": 7.5}\n')
    7.5
    >>> PrintedLatency(r"mean=([0-9.]+)", unit="us").find_ms("mean=1500 std=20")
    1.5
    """

    pattern: str | None = None
    unit: str = "ms"

    def __post_init__(self) -> None:
        check_name("latency unit", self.unit, UNITS_MS)
        if self.pattern is not None:
            _check_pattern(self.pattern)
        elif self.unit != "ms":
            raise ArchcostError(
                f"a latency unit must go with a latency pattern, but got {self.unit!r} alone; "
                "the key 'latency_ms' of a JSON line is always in ms"
            )

    def __str__(self) -> str:
        """Say what the output must hold."""
        if self.pattern is None:
            return 'a line such as {"latency_ms": 12.3} (or what --latency-pattern finds)'
        return f"a number of {self.unit} where the pattern '{self.pattern}' has its group"

    def find_ms(self, printed: str, errors: str = "") -> float:
        """Return the latency in ms.

        Parameters
        ----------
        printed, errors : str
            Standard output and standard error.

        Raises
        ------
        ArchcostError
            If there is none, or it is not a finite number above 0; the message shows the output.
        """
        if self.pattern is None:
            found = _from_json(printed)
        else:
            matches = [re.findall(self.pattern, text, re.MULTILINE) for text in (printed, errors)]
            found = next((texts[-1] for texts in matches if texts), None)
        try:
            latency_ms = float(found) * UNITS_MS[self.unit]  # type: ignore[arg-type]
        except (TypeError, ValueError):
            latency_ms = math.nan
        if not 0 < latency_ms < math.inf:
            raise ArchcostError(
                f"the output must hold {self}, finite and above 0, but it is "
                f"{printed[-SHOWN:]!r} and, on standard error, {errors[-SHOWN:]!r}"
            )
        return latency_ms


def _check_pattern(pattern: str) -> None:
    try:
        groups = re.compile(pattern, re.MULTILINE).groups
    except re.error as error:
        raise ArchcostError(
            f"a latency pattern must be a regular expression, but {pattern!r} is none: {error}"
        ) from None
    if groups != 1:
        raise ArchcostError(
            f"a latency pattern must have one group, which is the latency, but {pattern!r} has "
            f"{groups}; mark the number by (...), and write other groups (?:...)"
        )


def _from_json(printed: str) -> object:
    """Return ``latency_ms`` of the last line that is a JSON object with that key, else None."""
    for line in reversed(printed.splitlines()):
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(said, dict) and "latency_ms" in said:
            return said["latency_ms"]
    return None
