"""Any device of the user's: a command runs the network there and prints the latency."""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from archcost.errors import ArchcostError, check_name
from archcost.measuring.printed_latency import SHOWN, PrintedLatency
from archcost.measuring.runtime import Inference, Runtime
from archcost.networks.model_files import check_format, model_file
from archcost.spaces.space import Ops, SearchSpace

PLACEHOLDER = re.compile(r"(?<!\$)\{(\w+)\}")
"""``{model}``, but neither the shell's ``${HOME}`` nor awk's ``{print $1}``."""


@dataclass(frozen=True)
class CommandRuntime(Runtime):
    """Runs a command of the user's for each network and reads the latency that it prints.

    The command is called once a round, without a shell; to warm up and to repeat is its business.

    Parameters
    ----------
    command : str
        What to run, quoted as in a shell. ``{model}`` stands for the path of the network's file,
        ``{threads}`` for the number of threads.
    model_format : {"onnx", "tflite"}, default="onnx"
        What to write the network as.
    precision : {"fp32", "int8"}, default="fp32"
        Of the network in the file.
    latency : PrintedLatency, optional
        Where the latency stands in the output.
    timeout_s : float, default=120
        After this time a run is killed, with all that it started.
    retries : int, default=2
        How often to try again after a failure.
    pause_s : float, default=1
        Pause before the first retry; each further one is twice as long.

    Raises
    ------
    ArchcostError
        If the command cannot be run, or a parameter breaks a rule.

    Examples
    --------
    >>> CommandRuntime("echo 7.5")
    Traceback (most recent call last):
    ...
    archcost.errors.ArchcostError: the command must hold {model}, which stands for the \
path of the network's file, but got 'echo 7.5'
    """

    name = "command"
    repeats_itself = True

    command: str
    model_format: str = "onnx"
    precision: str = "fp32"
    latency: PrintedLatency = field(default_factory=PrintedLatency)
    timeout_s: float = 120.0
    retries: int = 2
    pause_s: float = 1.0

    def __post_init__(self) -> None:
        _check_command(self.command)
        check_format(self.model_format, self.precision)
        if not 0 < self.timeout_s < math.inf:
            raise ArchcostError(
                f"the time-out must be positive and finite, but got {self.timeout_s} s"
            )
        if self.retries < 0:
            raise ArchcostError(f"retries must be 0 or more, but got {self.retries}")

    @property
    def device(self) -> str:
        """Raise an error, since only the user knows what the command runs on."""
        raise ArchcostError(
            "what a command runs on must be given a device id, such as --device my_board"
        )

    def version(self) -> str:
        """Return a constant, since the version is not known here."""
        return "user command"

    def describe(self) -> dict[str, str]:
        """Return the command and how it is read; the hardware is not that of this machine."""
        return {
            **dict.fromkeys(("cpu", "cores", "governor", "system"), "not known: behind a command"),
            "command": self.command,
            "model_format": self.model_format,
            "latency_read_from": str(self.latency),
        }

    def load(self, space: SearchSpace, ops: Ops, dataset: str, threads: int) -> Inference:
        """Make the network's file, which is on disk only while the command runs."""
        content = model_file(space.graph(ops, dataset), self.model_format, self.precision)

        def infer_ms() -> float:
            with TemporaryDirectory(prefix="archcost_") as folder:
                path = Path(folder, f"network.{self.model_format}")
                path.write_bytes(content)
                values = {"model": str(path), "threads": str(threads)}
                words = [
                    PLACEHOLDER.sub(lambda found: values[found[1]], word)
                    for word in shlex.split(self.command)
                ]
                for attempt in range(self.retries):
                    try:
                        return self._run_ms(words)
                    except (ArchcostError, OSError, RuntimeError):
                        time.sleep(self.pause_s * 2**attempt)
                return self._run_ms(words)

        return infer_ms

    def _run_ms(self, words: list[str]) -> float:
        """Run the command once and return the latency that it prints, in ms.

        Raises
        ------
        TimeoutError
            If it takes too long.
        RuntimeError
            If it ends with an exit status other than 0.
        ArchcostError
            If it prints no latency.
        """
        try:
            status, printed, errors = _run(words, self.timeout_s)
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"the command must end within {self.timeout_s:g} s, but was killed after that; "
                "--command-timeout gives it longer"
            ) from None
        if status:
            said = (errors.strip() or printed.strip())[-SHOWN:]
            raise RuntimeError(f"the command ended with exit status {status} and said {said!r}")
        return self.latency.find_ms(printed, errors)


def _check_command(command: str) -> None:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ArchcostError(
            f"the command must be quoted as in a shell, but {command!r} is not: {error}"
        ) from None
    names = {name for word in words for name in PLACEHOLDER.findall(word)}
    for name in sorted(names):
        check_name("placeholder of the command", name, ("model", "threads"))
    if "model" not in names:
        raise ArchcostError(
            "the command must hold {model}, which stands for the path of the network's file, but "
            f"got {command!r}"
        )
    if shutil.which(words[0]) is None:
        raise ArchcostError(
            "the command must begin with a program that can be run here, but there is no "
            f"{words[0]!r}; check its path and that it is executable"
        )


def _run(words: list[str], timeout_s: float) -> tuple[int, str, str]:
    """Run a program; return its exit status, output and errors.

    After the time-out or Ctrl-C all that it started is killed.
    """
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # a process group of its own, to be killed as a whole
    ) as process:
        try:
            printed, errors = process.communicate(timeout=timeout_s)
        except BaseException:
            with suppress(ProcessLookupError):
                if os.name == "posix":
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            raise
        return process.returncode, printed, errors
