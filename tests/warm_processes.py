"""Processes of Python that are quick to start, for tests of what processes do to each other.

One that imports scikit-learn and MLflow takes ten seconds of CPU before it does anything. These are
forked from a server that has imported them, and are processes of their own in all else: with their
own arguments, folder, environment and output, to be stopped and killed.
"""

import atexit
import multiprocessing
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest.mock import patch

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "archcost.cli.train",
        "archcost.tracking.experiments",
        "archcost.tracking.plots",
        "matplotlib.backends.backend_agg",
        "mlflow.store.tracking.sqlalchemy_store",
        "torch",
        "warm_caches",
    ]
)


class WarmProcess:
    """Start ``python ARGUMENTS``, with ``-m`` or ``-c`` first; much like ``subprocess.Popen``."""

    def __init__(self, *arguments, cwd=None, env=None):
        self._outputs = Path(tempfile.mkdtemp())
        self._process = CONTEXT.Process(
            target=_run,
            args=(
                [str(argument) for argument in arguments],
                str(cwd or Path.cwd()),
                dict(os.environ if env is None else env),
                self._outputs,
            ),
        )
        with patch.dict(os.environ, {"PYTHONPATH": str(Path(__file__).parent)}):
            self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def communicate(self, timeout=120):
        """Wait for the end; return what went to stdout and stderr."""
        self._process.join(timeout)
        if self.poll() is None:
            self.send_signal(signal.SIGKILL)
            raise subprocess.TimeoutExpired("a warm process", timeout)
        told = tuple((self._outputs / name).read_text() for name in ("stdout", "stderr"))
        shutil.rmtree(self._outputs)
        return told


def run_warm(*arguments, **options):
    """Run ``python ARGUMENTS`` to its end; much like ``subprocess.run`` with captured text."""
    process = WarmProcess(*arguments, **options)
    out, err = process.communicate()
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def _run(arguments, folder, environment, outputs):
    for descriptor, name in enumerate(("stdout", "stderr"), start=1):
        os.dup2(os.open(outputs / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path[:0] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    how, what, *sys.argv[1:] = arguments
    try:
        if how == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    finally:
        atexit._run_exitfuncs()  # multiprocessing leaves them out
