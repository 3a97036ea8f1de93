"""The append-only file beside a table that is being measured, one JSON line a measurement."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from archcost.datasets.errors import CostTableError, IntegrityError


@dataclass(frozen=True, slots=True)
class Visit:
    """One architecture measured once: warmed up and run several times in a row.

    Parameters
    ----------
    arch : str
        The space's string form.
    round : int
        Which round over the architectures this was, from 0.
    latencies_ms : tuple of float
        The runs after the warm-up; empty after a failure.
    reference_ms : float
        Latency of the reference network right before and after, their geometric mean: how slow
        the machine was just then.
    error : str or None
        What went wrong.
    """

    arch: str
    round: int
    latencies_ms: tuple[float, ...] = ()
    reference_ms: float = 1.0
    error: str | None = None


class Journal:
    """Read what was measured before and append what is measured now.

    Each visit is handed to the operating system at once, so that a killed process loses at most
    the visit under way; half a line at the end is dropped on the next start.

    Parameters
    ----------
    path : Path
        The file; made with its folders if it does not exist.
    setup : mapping
        What must not change while a table is measured (space, runtime, threads, CPU, ...). It is
        the first line; resuming with another one is refused.

    Raises
    ------
    CostTableError
        If the journal was begun with another setup.
    IntegrityError
        If the file is no journal.
    """

    def __init__(self, path: Path, setup: Mapping[str, Any]) -> None:
        self.path = path
        self.visits: list[Visit] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = _complete_lines(path)
        lines = list(_parse_lines(path, kept))
        if lines:
            _check_setup(path, lines[0], setup)
            self.visits = [_visit(path, number, line) for number, line in enumerate(lines[1:], 2)]
        self._file: BinaryIO = path.open("r+b" if path.exists() else "wb")
        self._file.truncate(len(kept))
        self._file.seek(len(kept))
        if not lines:
            self._append({"setup": dict(setup)})

    def append(self, visit: Visit) -> None:
        """Write one visit to the file and keep it in ``visits``."""
        line: dict[str, Any] = {"arch": visit.arch, "round": visit.round}
        if visit.error is None:
            line |= {"ms": visit.latencies_ms, "reference_ms": visit.reference_ms}
        else:
            line["error"] = visit.error
        self._append(line)
        self.visits.append(visit)

    def done(self) -> set[tuple[str, int]]:
        """Return the pairs of architecture and round that need no visit any more."""
        return {(visit.arch, visit.round) for visit in self.visits}

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

    def _append(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()


def _complete_lines(path: Path) -> bytes:
    """Return the file's bytes up to its last line end."""
    held = path.read_bytes() if path.exists() else b""
    return held[: held.rfind(b"\n") + 1]


def _parse_lines(path: Path, held: bytes) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(held.splitlines(), 1):
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if not isinstance(line, dict):
            raise IntegrityError(
                f"each line of the journal {path} must be a JSON object, but line {number} is "
                f"{text[:60]!r}; move the file away to measure anew"
            )
        yield line


def _check_setup(path: Path, first: Mapping[str, Any], setup: Mapping[str, Any]) -> None:
    before = first.get("setup")
    if not isinstance(before, dict):
        raise IntegrityError(
            f"the journal {path} must begin with its setup, but begins with {first!r}; "
            "move the file away to measure anew"
        )
    changed = [key for key in {**before, **setup} if before.get(key) != setup.get(key)]
    if changed:
        was = ", ".join(f"{key} {before.get(key)!r} (now {setup.get(key)!r})" for key in changed)
        raise CostTableError(
            f"a table must be measured with one setup, but {path} was begun with {was}; "
            "choose another --out, or move the journal away to measure anew"
        )


def _visit(path: Path, number: int, line: Mapping[str, Any]) -> Visit:
    try:
        latencies_ms = tuple(float(value) for value in line.get("ms", ()))
        return Visit(
            str(line["arch"]),
            int(line["round"]),
            latencies_ms,
            float(line.get("reference_ms", 1.0)),
            line.get("error"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"line {number} of the journal {path} must hold 'arch', 'round' and 'ms' or 'error', "
            f"but is {dict(line)!r}"
        ) from error
