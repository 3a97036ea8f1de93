"""The command ``archcost``."""

import argparse
import errno
import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module

from archcost.cli.command_parser import CommandParser
from archcost.errors import ArchcostError, ArchcostWarning

# In the order of the help; each module cli/<name>.py adds its own parser.
COMMANDS = (
    "predict",
    "space",
    "devices",
    "show",
    "data",
    "measure",
    "simulate",
    "export",
    "train",
    "evaluate",
    "distil",
    "compare",
    "ui",
    "register",
    "search",
    "suggest",
    "transfer",
    "report",
    "scan",
    "demo",
    "models",
    "completion",
)

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the operating system says where nothing more can be written."""

DESCRIPTION = """\
Predict what a neural architecture costs on a device (latency in ms, energy in mJ),
without running it there."""

EPILOG = """\
examples:
  archcost devices                              what can be predicted, and how well
  archcost predict 1462 --device raspi4         one NAS-Bench-201 cell, by its index
  archcost train --table my.parquet --device my_board
  archcost COMMAND --help                       more on one command
"""


def build_parser(commands: Sequence[str] = COMMANDS) -> CommandParser:
    """Return the parser with the commands given."""
    parser = CommandParser(
        "archcost",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the version of archcost, and exit"
    )
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for name in commands:
        import_module(f"archcost.cli.{name}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit status: 0 if all went well, 1 if a check found problems, 2 for bad input, 130 after
        Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else argv
    if "_ARGCOMPLETE" in os.environ:
        from archcost.cli.completion import complete

        complete(build_parser, COMMANDS)
    as_before, warnings.formatwarning = warnings.formatwarning, _in_one_line
    try:
        # A known command needs no other's parser, nor the time to import it.
        parser = build_parser(argv[:1] if argv[:1] and argv[0] in COMMANDS else COMMANDS)
        arguments = parser.parse_args(argv)
        if getattr(arguments, "space", None) is not None:
            from archcost.spaces import get_space

            # A space of a user's file is known by its name from here on, in tables and models too.
            arguments.space = get_space(arguments.space).name
        if hasattr(arguments, "input_shape"):
            from archcost.cli.options import given_dataset

            arguments.dataset = given_dataset(arguments)
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        print("archcost: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        hint = "; free some space, then the same command works" if error.errno in FULL else ""
        print(f"archcost: error: {error}{hint}", file=sys.stderr)
        return 2
    except ArchcostError as error:
        print(f"archcost: error: {error}", file=sys.stderr)
        return 2
    finally:
        warnings.formatwarning = as_before


class _Version(argparse.Action):
    """Print the version, which takes a moment to find out, only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"archcost {version('archcost')}")
        parser.exit()


def _in_one_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    if issubclass(category, ArchcostWarning):
        return f"archcost: warning: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"
