"""What a command answers, as text, JSON or CSV on standard output; messages on standard error."""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def add_output_arguments(parser: argparse.ArgumentParser, *, csv: bool = False) -> None:
    """Add ``--json``, ``--quiet`` and, for answers that are tables, ``--csv``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        The parser of a command.
    csv : bool, default=False
        Whether the command answers with one table.
    """
    group = parser.add_argument_group("output")
    form = group.add_mutually_exclusive_group()
    for name in ("json", "csv") if csv else ("json",):
        form.add_argument(
            f"--{name}",
            dest="output",
            action="store_const",
            const=name,
            help=f"print the answer as {name.upper()}, and nothing else on standard output",
        )
    group.add_argument(
        "--quiet", action="store_true", help="no progress bar and no remarks on standard error"
    )


Records = Sequence[Mapping[str, Any]]
"""A table as rows, each a mapping with the same keys."""


def show(
    args: argparse.Namespace, text: str, data: pd.DataFrame | Records | Mapping[str, Any]
) -> None:
    """Print the answer of a command in the form that was asked for.

    Parameters
    ----------
    args : argparse.Namespace
        The arguments, with those of `add_output_arguments`.
    text : str
        The answer for people.
    data : pandas.DataFrame, sequence of mappings, or mapping
        The same for programs. A table becomes a list of objects in JSON.
    """
    if args.output is None:
        print(text)
        return
    if not isinstance(data, (Mapping, Sequence)):
        data = data.to_dict("records")
    data = plain(data)
    if args.output == "json":
        print(json.dumps(data, indent=2))
        return
    assert not isinstance(data, Mapping), "only commands that answer with tables have --csv"
    rows = csv.DictWriter(sys.stdout, list(data[0]) if data else [], lineterminator="\n")
    rows.writeheader()
    rows.writerows(data)


def say(args: argparse.Namespace, message: str) -> None:
    """Print a remark on standard error, unless ``--quiet`` was given."""
    if not args.quiet:
        print(message, file=sys.stderr)


def plain(value: Any) -> Any:
    """Return a value in the types that JSON has; numbers that do not exist become null.

    Parameters
    ----------
    value : object
        Mappings, sequences, dataclasses, numpy and pandas scalars, paths.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> plain({"cost": np.float64("nan"), "folder": Path("a"), "archs": np.array([1, 2])})
    {'cost': None, 'folder': 'a', 'archs': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if hasattr(value, "tolist"):  # of numpy
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)
