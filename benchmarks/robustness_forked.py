"""Run ``archcost`` in a fork of this process, which has imported all that commands import.

Importing MLflow takes longer than most commands take to do their work: started afresh, they would
be stopped before they wrote a byte.
"""

import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from subprocess import TimeoutExpired

HEAVY = (
    "mlflow.pyfunc", "mlflow.data", "mlflow.models", "alembic", "sqlalchemy", "matplotlib.pyplot",
    "pandas", "pyarrow.parquet", "sklearn.pipeline", "xgboost", "archcost.training",
    "archcost.search", "archcost.measuring", "archcost.cli.main",
)  # fmt: skip


class Forked:
    """A command in a forked process, with the few methods of `subprocess.Popen` that are used."""

    def __init__(
        self, words: Sequence[str], place: Path, environment: dict[str, str], max_bytes: int | None
    ) -> None:
        _import_all()
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._err = tempfile.TemporaryFile()  # noqa: SIM115
        self.returncode: int | None = None
        self._pid = os.fork()
        if self._pid == 0:
            self._run(words, place, environment, max_bytes)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end and return what was written to both outputs."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            pid, status = os.waitpid(self._pid, 0 if end is None else os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
            elif end is not None and time.monotonic() > end:
                raise TimeoutExpired("archcost", timeout or 0.0)
            else:
                time.sleep(0.002)
        texts = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read().decode())
        return texts[0], texts[1]

    def send_signal(self, number: int) -> None:
        """Send a signal to the process, which was not waited for."""
        os.kill(self._pid, number)

    def _run(
        self, words: Sequence[str], place: Path, environment: dict[str, str], max_bytes: int | None
    ) -> None:
        status = 1
        try:
            os.chdir(place)
            os.environ.clear()
            os.environ.update(environment)
            for number, target in ((1, self._out), (2, self._err)):
                os.dup2(target.fileno(), number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if max_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
            from archcost.cli.main import main

            status = main(list(words))
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


@cache
def _import_all() -> None:
    for name in HEAVY:
        import_module(name)
