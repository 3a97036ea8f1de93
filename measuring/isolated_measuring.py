"""Measure in a process of its own, so that a runtime that crashes does not end the measuring."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, MutableSequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from archcost.errors import ArchcostError
from archcost.measuring.energy_counter import EnergyCounter
from archcost.measuring.journal import Journal, RoundRecord
from archcost.measuring.measure_settings import MeasureSettings
from archcost.measuring.measuring import measure
from archcost.measuring.runtime import Runtime
from archcost.spaces.space import Ops, SearchSpace

STOP_WAIT_S = 10.0
"""How long a process may take to stop: it may have started others, such as a user's command."""

NONE_YET = -1
"""Place and round before the first network."""


@dataclass(frozen=True, slots=True)
class Job:
    """The arguments of ``measure`` and of its journal; travels to the process that measures.

    Parameters
    ----------
    space, archs, dataset, runtime, settings, progress
        As of ``measure``.
    journal_path : Path
        The journal's file.
    setup : mapping
        Its setup.
    open_counter : callable, optional
        Opens the energy counter, in the process that reads it.
    """

    space: SearchSpace
    archs: Ops
    dataset: str
    runtime: Runtime
    settings: MeasureSettings
    journal_path: Path
    setup: dict[str, Any]
    open_counter: Callable[[], EnergyCounter] | None = None
    progress: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        # Op ids may hold in this process alone.
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "archs"}
        archs = self.space.format_many(self.archs)
        return _received, (archs, self.space.definitions(self.archs), values)


def _received(archs: list[str], definitions: dict[str, str], values: dict[str, Any]) -> Job:
    """Return a job as another process sent it."""
    space: SearchSpace = values["space"]
    space.define(definitions)
    return Job(archs=space.parse_many(archs), **values)


def measure_isolated(job: Job) -> None:
    """Measure in a child process; when a runtime crashes it, start another and go on.

    The network under way is recorded as failed, and like any other that fails it is tried twice at
    most; failures in a journal without any success are forgotten first. A process that the system
    kills, as it does when memory runs out, is started again with half the networks loaded at a
    time.

    Parameters
    ----------
    job : Job
        The architectures, the runtime and the journal.

    Raises
    ------
    ArchcostError
        If `measure` raises one in the child, or the runtime crashes before it comes to a network
        of the list.
    KeyboardInterrupt
        After Ctrl-C; the child has been stopped.
    """
    with Journal(job.journal_path, job.setup) as journal:  # refuses that of another setup
        journal.forget_failures_without_success()
    settings = job.settings
    deadline = monotonic() + (settings.time_budget_s or math.inf)
    while (left_s := deadline - monotonic()) > 0:
        if settings.time_budget_s is not None:
            settings = replace(settings, time_budget_s=left_s)
        under_way = RawArray("i", [NONE_YET, NONE_YET])
        crash = _run(replace(job, settings=settings), under_way)
        if crash is None:
            return
        if crash == "SIGKILL" and settings.loaded > 1:
            settings = replace(settings, loaded=settings.loaded // 2)
            _log(
                "the measuring process was killed (SIGKILL), as systems do when memory runs out; "
                f"going on with --loaded {settings.loaded}"
            )
            continue
        place, round_number = under_way
        if place == NONE_YET:
            raise ArchcostError(
                f"the runtime must run here, but {job.runtime.name} crashed the process ({crash}) "
                "before the first network; is it the build for this CPU?"
            )
        error = f"the runtime crashed the process ({crash})"
        arch = job.space.format(job.archs[place])
        with Journal(job.journal_path, job.setup) as journal:
            journal.append(RoundRecord(arch, round_number, error=error, status="failed"))
        _log(f"{error} at {arch}; recorded, and the rest goes on")


def _run(job: Job, under_way: MutableSequence[int]) -> str | None:
    """Measure in a child process; return how it crashed, or None when all is done."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(job, under_way, sender))
    child.start()
    sender.close()
    try:
        error = receiver.recv()
    except EOFError:  # it ended without an answer
        child.join()
        code = child.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f"exit status {code}"
    except BaseException:  # Ctrl-C
        child.terminate()
        raise
    finally:
        child.join(STOP_WAIT_S)
        child.kill()
        child.join()
        receiver.close()
    if error is not None:
        raise error
    return None


def _child(job: Job, under_way: MutableSequence[int], sender: Connection) -> None:
    """Measure, and send the parent the error that it ended with, or None."""
    # Ctrl-C reaches both processes; it is the parent that stops this one, by SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def on_start(place: int, round_number: int) -> None:
        under_way[0], under_way[1] = place, round_number

    try:
        counter = job.open_counter() if job.open_counter else None
        with Journal(job.journal_path, job.setup) as journal:
            measure(
                job.space,
                job.archs,
                job.dataset,
                job.runtime,
                journal,
                job.settings,
                counter=counter,
                on_start=on_start,
                progress=job.progress,
            )
    except (ArchcostError, KeyboardInterrupt) as error:
        with suppress(BrokenPipeError):  # the parent may have been killed
            sender.send(error)
    except Exception as error:
        sender.send(ArchcostError(f"measuring ended with {type(error).__name__}: {error}"))
        raise  # its traceback is printed
    else:
        sender.send(None)


def _end_with_parent() -> None:
    """Wait for the end of the parent, which may be killed, and end this process.

    A user's command under way is ended first, as by Ctrl-C.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(STOP_WAIT_S)
    os._exit(1)


def _log(text: str) -> None:
    print(f"archcost: {text}", file=sys.stderr)
