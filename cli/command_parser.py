"""The parser of each command: errors show the command's own usage and the nearest example."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

NEAR = 0.7
"""Least similarity of an option to what was typed, for it to be suggested."""

USAGE_ERROR = 2
"""Exit status of a command line that does not parse, as argparse has it."""


INVALID_CHOICE = re.compile(
    r"argument (?P<kind>\S+): invalid choice: '(?P<given>[^']*)' \(choose from (?P<names>.*)\)"
)
"""How argparse words it, with the list before what is wrong can be seen."""


class CommandParser(argparse.ArgumentParser):
    """A parser that answers mistakes with usage, reason and example of the very subcommand.

    Where argparse hands unknown options up to the program, whose usage lists nothing but
    commands, this parser reports them itself. A parser with subcommands prints its help when none
    is given.
    """

    given: Sequence[str] = ()
    """The words of the command line that are being parsed."""

    def add_subparsers(self, **kwargs: Any) -> Any:
        """Add subcommands, as argparse does; without one the help is shown."""
        self.set_defaults(run=self._show_help)
        return super().add_subparsers(**kwargs)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse; unknown options are an error of the parser that meets them."""
        self.given = list(sys.argv[1:] if args is None else args)
        found, unknown = super().parse_known_args(args, namespace)
        if unknown and self._subparsers is None:
            self.error(self._unknown(unknown))
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Print usage, the message and an example on standard error, and exit."""
        self.print_usage(sys.stderr)
        if wrong := INVALID_CHOICE.search(message):
            near = difflib.get_close_matches(wrong["given"], re.findall(r"[\w-]+", wrong["names"]))
            hint = f"did you mean {near[0]!r}? " if near else ""
            message = f"unknown {wrong['kind']} {wrong['given']!r}; {hint}There are: "
            message += wrong["names"].replace("'", "")
        example = self._nearest_example()
        hint = f"for example:\n{example}\n" if example else ""
        self.exit(USAGE_ERROR, f"{self.prog}: error: {message}\n{hint}more: {self.prog} --help\n")

    def _show_help(self, _: argparse.Namespace) -> int:
        self.print_help()
        return 0

    def _unknown(self, words: Sequence[str]) -> str:
        options = [word for word in words if word.startswith("-")]
        near = [
            found
            for option in options
            for found in difflib.get_close_matches(option, self._option_string_actions, 1, NEAR)
        ]
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return f"unknown arguments: {' '.join(words)}{hint}"

    def _nearest_example(self) -> str:
        """Return the example of the help that is most like what was typed."""
        examples = [text for text in examples_in(self.epilog or "") if text.startswith(self.prog)]
        typed = " ".join((self.prog, *self.given))
        likeness = difflib.SequenceMatcher(b=typed, autojunk=False)

        def ratio(example: str) -> float:
            likeness.set_seq1(example)
            return likeness.ratio()

        return f"  {max(examples, key=ratio)}" if examples else ""


def examples_in(text: str) -> list[str]:
    r"""Return the commands among the lines of a help text, each in one line, without remarks.

    Parameters
    ----------
    text : str
        An epilog; a command is indented, and goes on in the next line after a backslash. What
        stands after three or more spaces is a remark.

    Returns
    -------
    list of str
        The lines that call ``archcost``.

    Examples
    --------
    >>> examples_in("examples:\n  archcost devices        what there is\n  archcost demo")
    ['archcost devices', 'archcost demo']
    """
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    commands = [re.split(r"\s{3,}", line.strip())[0] for line in lines if line.startswith("  ")]
    return [command for command in commands if re.search(r"(^|\s)archcost\s", command)]
