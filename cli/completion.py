"""The command ``archcost completion``, and what the shell asks at a press of Tab."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from archcost.cli.output import add_output_arguments, show

SHELLS = ("bash", "zsh", "fish")

ZSH_SETUP = "\n(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }\n"

EPILOG = """\
examples:
  archcost completion bash >> ~/.bashrc
  archcost completion zsh >> ~/.zshrc
  archcost completion fish > ~/.config/fish/completions/archcost.fish

It needs the package argcomplete: pip install 'archcost[completion]'"""


def add_parser(subparsers: Any) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser(
        "completion",
        help="print what makes a shell complete commands, options, devices and spaces",
        description="Print the lines that make a shell complete archcost's commands, options, "
        "devices and spaces.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS, help="which shell")
    add_output_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the shell's code."""
    from archcost.extras import installed_version

    installed_version("completion", "completion", "argcomplete")
    import argcomplete.shell_integration

    code = argcomplete.shell_integration.shellcode(["archcost"], shell=args.shell)
    if args.shell == "zsh":  # whose completion is off until it is asked for
        code = code.replace("\n", ZSH_SETUP, 1)
    show(args, code, {"shell": args.shell, "code": code})
    return 0


def complete(
    build_parser: Callable[[Sequence[str]], argparse.ArgumentParser], commands: Sequence[str]
) -> None:
    """Answer the shell that asks how a command line may go on, and end the process.

    Parameters
    ----------
    build_parser : callable
        Makes the parser of the commands given.
    commands : sequence of str
        All commands.
    """
    import argcomplete

    words = shlex.split(os.environ.get("COMP_LINE", ""), posix=False)[1:2]
    parser = build_parser(words if words and words[0] in commands else commands)
    for one in parsers_of(parser):
        for action in one._actions:
            completer = COMPLETERS.get(action.dest)
            if completer is not None and action.choices is None:
                action.completer = completer  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def _devices(**_: object) -> list[str]:
    from archcost.models import model_keys

    return sorted({key.device for key in model_keys()})


def _spaces(**_: object) -> list[str]:
    from archcost.spaces import SPACES

    return sorted(SPACES)


def _metrics(**_: object) -> list[str]:
    from archcost.datasets.cost_key import METRICS

    return list(METRICS)


def _models(**_: object) -> list[str]:
    from archcost.models import model_keys

    return list(map(str, model_keys()))


def _runtimes(**_: object) -> list[str]:
    from archcost.measuring import RUNTIMES

    return sorted(RUNTIMES)


def _predictors(**_: object) -> list[str]:
    from archcost.predictors import PREDICTORS

    return sorted(PREDICTORS)


def _accelerators(**_: object) -> list[str]:
    from archcost.simulating import accelerators

    return sorted(accelerators())


def _published(**_: object) -> list[str]:
    from archcost.datasets import SOURCES

    return sorted(SOURCES)


COMPLETERS = {
    "device": _devices,
    "devices": _devices,
    "like": _devices,
    "sources": _devices,
    "space": _spaces,
    "metric": _metrics,
    "runtime": _runtimes,
    "predictors": _predictors,
    "accelerator": _accelerators,
    "source": _published,
    "key": _models,
    "keys": _models,
}
"""By the destination of an argument, what may stand there."""


def parsers_of(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Return a parser and all of its subcommands, at any depth."""
    found = [parser]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in dict.fromkeys(action.choices.values()):
                found += parsers_of(one)
    return found
