"""Log to MLflow until that fails: what is being logged is worth more than its log."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import ParamSpec, Self, TypeVar

from archcost.datasets import CostKey
from archcost.errors import ArchcostError, ArchcostWarning
from archcost.tracking.killed_runs import PROCESS, running_process
from archcost.tracking.mlflow_store import experiment_id, remedy, tracking_store
from archcost.tracking.sqlite_store import first_line, writing

P = ParamSpec("P")
T = TypeVar("T")

ROLE, KEY = "archcost.role", "archcost.key"
"""Tags of a run: what it is, and the cost key."""

AT_ONCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
"""Environment for MLflow when a server has failed before."""


class Tracker:
    """Write runs to the user's MLflow store, as a context manager.

    The first failure is warned about in one line; from then on nothing is logged.

    Parameters
    ----------
    experiment : str
        Name of the MLflow experiment, made if it is not there.

    Attributes
    ----------
    uri : str or None
        The store, None if it could not be opened.
    failed : bool
        Whether logging has come to an early end.
    """

    def __init__(self, experiment: str) -> None:
        self.experiment = experiment
        self.uri: str | None = None
        self.failed = False
        self._experiment_id = self._process = ""
        self._open = contextlib.ExitStack()
        self._outer: str | None = None

    def __enter__(self) -> Self:
        import mlflow

        outer = mlflow.active_run()
        self._outer = None if outer is None else outer.info.run_id
        try:
            self.uri = self._open.enter_context(tracking_store(create=True))
            self._process = self._open.enter_context(running_process(self.uri))
            with writing(self.uri):
                self._experiment_id = experiment_id(self.experiment)
        except Exception as error:
            self._fail(error)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end_all("KILLED")  # what Ctrl-C left open
        self._open.close()

    @contextlib.contextmanager
    def run(self, name: str, role: str, key: CostKey | None = None) -> Iterator[str | None]:
        """Write a run, within the active one if there is one.

        Yields
        ------
        str or None
            The run's id; None if it is not logged.
        """
        run_id = self.log(self._start, name, role, key)
        status = "FAILED"
        try:
            yield run_id
            status = "FINISHED"
        except KeyboardInterrupt:
            status = "KILLED"
            raise
        finally:
            self.log(_end_run, status)

    def log(self, write: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return ``write(*args, **kwargs)``, which writes to MLflow; None if that fails."""
        if self.failed:
            return None
        assert self.uri is not None, "the store was opened, or has failed"
        try:
            with writing(self.uri):
                return write(*args, **kwargs)
        except Exception as error:  # of MLflow, its server or the disk
            self._fail(error)
            return None

    def end_as_killed(self, run_id: str | None) -> None:
        """Mark a run that has ended as killed."""
        import mlflow

        if run_id is not None:
            self.log(mlflow.MlflowClient().set_terminated, run_id, "KILLED")

    def _start(self, name: str, role: str, key: CostKey | None) -> str:
        import mlflow

        parent = mlflow.active_run()
        tags = {ROLE: role, PROCESS: self._process}
        run = mlflow.start_run(
            run_name=name,
            experiment_id=self._experiment_id if parent is None else parent.info.experiment_id,
            nested=parent is not None,
            tags=tags if key is None else {**tags, **key_tags(key)},
        )
        return str(run.info.run_id)

    def _end_all(self, status: str) -> None:
        """End the runs that this tracker left open, if MLflow can."""
        import mlflow

        while (run := mlflow.active_run()) is not None and run.info.run_id != self._outer:
            with contextlib.suppress(Exception):
                mlflow.end_run(status)  # takes it from the active runs whether or not it can

    def _fail(self, error: Exception) -> None:
        self.failed = True
        before = {name: os.environ.get(name) for name in AT_ONCE}
        os.environ.update(AT_ONCE)
        try:
            self._end_all("FAILED")
            self._open.close()
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
        if isinstance(error, ArchcostError):
            said = " ".join(str(error).split())
        else:
            said = f"{first_line(error)}; {_remedy(error, self.uri or '')}"
        warnings.warn(
            f"MLflow logs nothing from here on, all else goes on: {said}",
            ArchcostWarning,
            stacklevel=3,
        )


def key_tags(key: CostKey) -> dict[str, str]:
    """Return the tags that runs and models of a cost are filtered by.

    Examples
    --------
    >>> key_tags(CostKey.parse("fbnet-raspi4-latency-cifar100"))["archcost.device"]
    'raspi4'
    """
    return {KEY: str(key), **{f"archcost.{name}": part for name, part in asdict(key).items()}}


def _remedy(error: Exception, uri: str) -> str:
    """Say what to do: about the store where it failed, else about the packages that did."""
    import mlflow

    packages = ("mlflow", "sqlalchemy", "sqlite3", "requests", "urllib3")
    of_store = isinstance(error, OSError) or type(error).__module__.split(".")[0] in packages
    if of_store:
        return remedy(uri)
    return (
        f"this {type(error).__name__} is none of the store: do the versions of mlflow "
        f"({mlflow.__version__}), sqlalchemy and pandas fit together? pip install --upgrade mlflow"
    )


def _end_run(status: str) -> None:
    import mlflow

    mlflow.end_run(status)
