"""Costs measured in the course of a search, kept in a file so that it can stop and go on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from archcost.errors import ArchcostError, IntegrityError


class MeasuredCosts:
    """Measure each architecture once, ever: what was measured is read from a file.

    Parameters
    ----------
    measure : callable
        Runs an architecture, given the space's string, and returns its cost.
    path : pathlib.Path
        Where costs are kept, one JSON line each, written before the search goes on; half a line at
        the end, from a process that was killed, is measured again.
    setup : mapping of str to str
        What the costs are of (space, dataset, command); the first line of the file.

    Raises
    ------
    ArchcostError
        If the file is of another setup.
    IntegrityError
        If the file is no such file.
    """

    def __init__(
        self, measure: Callable[[str], float], path: Path, setup: Mapping[str, str]
    ) -> None:
        self.path = path
        self.costs: dict[str, float] = {}
        self._measure = measure
        content = path.read_bytes() if path.exists() else b""
        kept = content[: content.rfind(b"\n") + 1]
        if not kept:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(dict(setup)) + "\n")
            return
        try:
            first, *lines = map(json.loads, kept.splitlines())
            self.costs = {str(line["arch"]): float(line["cost"]) for line in lines}
            first = dict(first)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise IntegrityError(
                f"{path} is not what a search has measured ({error}); choose another file"
            ) from None
        if first != dict(setup):
            differs = [name for name, value in setup.items() if first.get(name) != value]
            raise ArchcostError(
                f"{path} holds measurements with another {', '.join(differs)}; go on with the "
                "options it was begun with, or choose another file"
            )
        os.truncate(path, len(kept))

    def __call__(self, arch: str) -> float:
        """Return the cost of an architecture, measured now or before."""
        if arch not in self.costs:
            cost = float(self._measure(arch))
            with self.path.open("a") as file:
                file.write(json.dumps({"arch": arch, "cost": cost}) + "\n")
            self.costs[arch] = cost
        return self.costs[arch]
