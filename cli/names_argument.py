"""Lists on the command line, as users type them: ``a,b``, ``a b`` or the option twice."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any


class Names(argparse.Action):
    """Collect names that are separated by commas, by blanks, or given one option each.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("--devices", nargs="+", action=Names)
    >>> parser.parse_args(["--devices", "raspi4,fpga", "pixel3", "--devices", "eyeriss"]).devices
    ['raspi4', 'fpga', 'pixel3', 'eyeriss']
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add the names to those that were given before."""
        words = [values] if isinstance(values, str) else list(values or ())
        names = [name.strip() for word in words for name in str(word).split(",") if name.strip()]
        before = getattr(namespace, self.dest)
        given = [] if before is self.default else before
        setattr(namespace, self.dest, [*given, *names])
