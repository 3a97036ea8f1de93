"""The append-only file beside a table that is being measured, one JSON line a measurement."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from archcost.errors import ArchcostError, CostTableError, IntegrityError
from archcost.measuring.clocks import Clock

LOCK_WAIT_S = 5.0
"""How long to wait for a process that is being stopped and still holds the journal."""


def journal_path(out: Path) -> Path:
    """Return the path of a table's journal: ``OUT.journal`` beside it."""
    return out.with_name(out.name + ".journal")


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One architecture measured in one round: warmed up and run several times in a row.

    Parameters
    ----------
    arch : str
        The space's string form.
    round : int
        Which round over the architectures this was, from 0.
    latencies_ms : tuple of float
        The runs after the warm-up; empty after a failure.
    reference_ms : float
        Geometric mean of the reference network's latencies right before and after, which shows how
        slow the machine was at that moment.
    error : str or None
        Type and message of a failure.
    status : str
        ``"ok"``, or the status of the failure in a cost table.
    energy_mj : float or None
        Energy of one inference, where a counter was read.
    cpu_ms : tuple of float
        CPU time of the process in each run, where it runs the network; else empty.
    reference_cpu_ms : float
        As `reference_ms`, in CPU time.
    temperature_c : float or None
        Of the machine before the runs, in degrees Celsius, where a sensor was read.
    """

    arch: str
    round: int
    latencies_ms: tuple[float, ...] = ()
    reference_ms: float = 1.0
    error: str | None = None
    status: str = "ok"
    energy_mj: float | None = None
    cpu_ms: tuple[float, ...] = ()
    reference_cpu_ms: float = 1.0
    temperature_c: float | None = None

    def on_clock(self, clock: Clock) -> RoundRecord:
        """Return the record with the times of a clock as its latencies."""
        if clock == "wall" or self.error is not None:
            return self
        return replace(self, latencies_ms=self.cpu_ms, reference_ms=self.reference_cpu_ms)


class Journal:
    """Read what was measured before and append what is measured now.

    Each record is handed to the operating system at once, so that a killed process loses at most
    the record under way; half a line at the end, from a killed process or a full disk, is dropped
    on the next start. While a process writes to a journal, no other one can open it.

    Parameters
    ----------
    path : Path
        The file; made with its folders if it does not exist.
    setup : mapping
        What must not change while a table is measured (space, runtime, threads, CPU, ...). It is
        the first line; resuming with another one is refused once a measurement has succeeded.

    Raises
    ------
    ArchcostError
        If another process is writing to the journal, or the disk is full.
    CostTableError
        If the journal holds successful measurements of another setup.
    IntegrityError
        If the file is no journal.
    """

    def __init__(self, path: Path, setup: Mapping[str, Any]) -> None:
        self.path, self._setup = path, dict(setup)
        self.records: list[RoundRecord] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: what a full disk refuses must not wait in memory to be written again.
        self._file: FileIO = path.open("ab", buffering=0)
        try:
            _lock(self._file, path)
            kept = _complete_lines(path)
            lines = list(_parse_lines(path, kept))
            if lines:
                changes = _setup_changes(path, lines[0], setup)
                self.records = [_record(path, n, line) for n, line in enumerate(lines[1:], 2)]
                if changes and self._has_success():
                    raise CostTableError(
                        f"a table must be measured with one setup, but {path} was begun with "
                        f"{changes}; choose another --out, or move the journal away to measure anew"
                    )
            self._file.truncate(len(kept))
            if not lines or changes:
                self._begin()
        except BaseException:
            self._file.close()
            raise

    def append(self, record: RoundRecord) -> None:
        """Write one record to the file and keep it in ``records``.

        Raises
        ------
        ArchcostError
            If it cannot be written, as on a full disk.
        """
        line: dict[str, Any] = {"arch": record.arch, "round": record.round}
        if record.error is None:
            line |= {"ms": record.latencies_ms, "reference_ms": record.reference_ms}
            if record.cpu_ms:
                line |= {"cpu_ms": record.cpu_ms, "reference_cpu_ms": record.reference_cpu_ms}
            if record.energy_mj is not None:
                line["energy_mj"] = record.energy_mj
            if record.temperature_c is not None:
                line["temperature_c"] = record.temperature_c
        else:
            line |= {"error": record.error, "status": record.status}
        self._append(line)
        self.records.append(record)

    def extend(self, records: Iterable[RoundRecord]) -> None:
        """Append several records."""
        for record in records:
            self.append(record)

    def done(self) -> set[tuple[str, int]]:
        """Return the pairs of architecture and round that need no record any more."""
        return {(record.arch, record.round) for record in self.records}

    def failures_in_a_row(self) -> Counter[str]:
        """Return how many of each architecture's last records failed, one after the other."""
        failures: Counter[str] = Counter()
        for record in self.records:
            failures[record.arch] = 0 if record.error is None else failures[record.arch] + 1
        return failures

    def forget_failures_without_success(self) -> None:
        """Drop all failures if nothing has succeeded: their cause may have been removed since."""
        if self.records and not self._has_success():
            self._begin()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _has_success(self) -> bool:
        return any(record.error is None for record in self.records)

    def _begin(self) -> None:
        self._file.truncate(0)
        self.records.clear()
        self._append({"setup": self._setup})

    def _append(self, line: Mapping[str, Any]) -> None:
        left = memoryview(json.dumps(line).encode() + b"\n")
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise ArchcostError(
                f"measurements must be written to {self.path}, but: {error.strerror}; what was "
                "measured before is kept, and when that is mended the same command goes on"
            ) from error


def journal_clock(path: Path) -> Clock | None:
    """Return the clock that a journal was begun with; None if there is no whole first line."""
    try:
        with path.open("rb") as file:
            setup = json.loads(file.readline())["setup"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    found: Clock = setup.get("clock", "wall")  # those from before there were two name none
    return found


def _lock(file: FileIO, path: Path) -> None:
    """Claim the file for this process; closing it, or the end of the process, gives it back."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise ArchcostError(
                    f"one process at a time can measure for {path}, but another one does; wait "
                    "for its end, or choose another --out"
                ) from None
            time.sleep(0.05)
        except OSError:  # a file system without locks
            return


def _complete_lines(path: Path) -> bytes:
    """Return the file's bytes up to its last line end."""
    held = path.read_bytes()
    return held[: held.rfind(b"\n") + 1]


def _parse_lines(path: Path, held: bytes) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(held.splitlines(), 1):
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            raise IntegrityError(
                f"each line of the journal {path} must be a JSON object, but line {number} is "
                f"{text[:60]!r}; move the file away to measure anew"
            )
        yield line


def _setup_changes(path: Path, first: Mapping[str, Any], setup: Mapping[str, Any]) -> str:
    """Return in words how a setup differs from that in a journal's first line."""
    before = first.get("setup")
    if not isinstance(before, dict):
        raise IntegrityError(
            f"the journal {path} must begin with its setup, but begins with {first!r}; "
            "move the file away to measure anew"
        )
    if "clock" in setup:  # journals from before there were two clocks do not name theirs
        before = {"clock": "wall", **before}
    if "networks" in setup:  # those from before the networks were named do not either
        before = {"networks": setup["networks"], **before}
    changed = [key for key in {**before, **setup} if before.get(key) != setup.get(key)]
    return ", ".join(f"{key} {before.get(key)!r} (now {setup.get(key)!r})" for key in changed)


def _record(path: Path, number: int, line: Mapping[str, Any]) -> RoundRecord:
    try:
        error, energy_mj = line.get("error"), line.get("energy_mj")
        return RoundRecord(
            str(line["arch"]),
            int(line["round"]),
            tuple(float(value) for value in line.get("ms", ())),
            float(line.get("reference_ms", 1.0)),
            error,
            str(line.get("status", "ok" if error is None else "failed")),
            None if energy_mj is None else float(energy_mj),
            tuple(float(value) for value in line.get("cpu_ms", ())),
            float(line.get("reference_cpu_ms", 1.0)),
            None if line.get("temperature_c") is None else float(line["temperature_c"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"line {number} of the journal {path} must hold 'arch', 'round' and 'ms' or 'error', "
            f"but is {dict(line)!r}"
        ) from error
