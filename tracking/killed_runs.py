"""Runs of processes that were killed: found by the locks that they no longer hold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from uuid import uuid4

from archcost.tracking.sqlite_store import lock_folder, writing

PROCESS = "archcost.process"
"""Tag of a run: the id of the process that writes it."""


@contextlib.contextmanager
def running_process(uri: str) -> Iterator[str]:
    """Hold a lock while this process writes runs; the system takes it away from a killed one.

    Yields
    ------
    str
        The id to tag the runs with, as `PROCESS`.
    """
    from filelock import FileLock

    process = uuid4().hex
    path = lock_folder(uri) / f"{process}.running"
    with writing(uri):  # nobody looks at the lock before it is held
        lock = FileLock(path)
        lock.acquire()
    try:
        yield process
    finally:
        lock.release()
        path.unlink(missing_ok=True)


def mark_killed(uri: str) -> None:
    """Mark the runs of killed processes of this machine as killed, instead of running."""
    folder = lock_folder(uri)
    if not any(folder.glob("*.running")):
        return
    from filelock import FileLock, Timeout

    with writing(uri):
        for path in folder.glob("*.running"):
            with contextlib.suppress(Timeout), FileLock(path, timeout=0):
                _mark(path.stem)
                path.unlink(missing_ok=True)


def _mark(process: str) -> None:
    import mlflow

    client = mlflow.MlflowClient()
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(
        experiments, f"tags.`{PROCESS}` = '{process}' and attributes.status = 'RUNNING'"
    )
    for run in runs:
        client.set_terminated(run.info.run_id, "KILLED")
