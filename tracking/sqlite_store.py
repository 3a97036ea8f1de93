"""The default MLflow store, a SQLite file: made whole, one writer at a time, and free to move."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from archcost.errors import ArchcostWarning, TrackingError

SQLITE = "sqlite:///"
ARTIFACTS = "mlartifacts"
"""Folder beside the store that holds its artifacts."""

PATIENCE_S = 600.0
"""How long to wait for other processes that write to the store; each takes a second or two."""

LOCATIONS = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Tables and columns in which MLflow keeps where artifacts are."""


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, None for any other store."""
    name = unquote(uri.removeprefix(SQLITE))  # as SQLAlchemy does
    return Path(name).absolute() if uri.startswith(SQLITE) and name != ":memory:" else None


def sqlite_uri(file: Path) -> str:
    """Return the URI of a SQLite store."""
    return SQLITE + file.absolute().as_posix().replace("%", "%25")


def lock_folder(uri: str) -> Path:
    """Return where the processes of this machine that use a store keep their locks.

    It lies beside a SQLite store, and so moves with it.
    """
    file = sqlite_file(uri)
    if file is not None:
        return file.with_name(f".{file.name}.locks")
    user = os.getuid() if hasattr(os, "getuid") else "user"
    name = hashlib.sha256(uri.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"archcost-{user}" / name


@contextlib.contextmanager
def writing(uri: str) -> Iterator[None]:
    """Keep other processes of archcost from writing to a store for a while.

    MLflow looks whether a row is there and then inserts it, which two processes cannot do at once.

    Raises
    ------
    TrackingError
        If the others do not come to an end.
    """
    from filelock import FileLock, Timeout

    folder = lock_folder(uri)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / "write.lock", timeout=PATIENCE_S)
        lock.acquire()
    except Timeout:
        raise TrackingError(
            f"the MLflow store {uri} was in use for {PATIENCE_S:.0f} s by another process; end it, "
            "then try again"
        ) from None
    try:
        yield
    finally:
        lock.release()


def has_store(file: Path) -> bool:
    """Tell whether a SQLite file holds anything; SQLite makes an empty one before it writes."""
    return file.is_file() and file.stat().st_size > 0


def make_store(file: Path) -> None:
    """Make an empty MLflow store under a temporary name, then rename it; call within `writing`."""
    import mlflow

    for abandoned in file.parent.glob(f".{file.name}.making-*"):
        shutil.rmtree(abandoned, ignore_errors=True)  # of a process that was killed
    folder = file.with_name(f".{file.name}.making-{os.getpid()}")
    try:  # a name that is known before the folder is there: Ctrl-C leaves nothing at any moment
        folder.mkdir()
        made = folder / "made.db"
        mlflow.MlflowClient(sqlite_uri(made)).search_experiments(max_results=1)
        # MLflow keeps its connection to the file that it made, so that a copy is renamed.
        whole = Path(shutil.copyfile(made, folder / "whole.db"))
        whole.replace(file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_store(file: Path) -> None:
    """Open a SQLite store as MLflow does; call within `writing`, as MLflow may upgrade it.

    Raises
    ------
    TrackingError
        If MLflow cannot open it; the message says what to do.
    """
    import mlflow

    if not _has_version(file):  # MLflow, once it has opened a file, would not look again
        raise _unusable(file, "no version of its tables")
    try:
        mlflow.MlflowClient(sqlite_uri(file)).search_experiments(max_results=1)
    except Exception as error:  # of MLflow, Alembic or SQLAlchemy, as the damage has it
        raise _unusable(file, first_line(error)) from None


def follow_move(file: Path) -> None:
    """Make a store that was moved with its artifacts look for them where they are now.

    MLflow keeps absolute locations. Those under the ``mlartifacts`` that lay beside the store are
    rewritten, with a warning that says so, unless the artifacts stayed behind.

    Raises
    ------
    TrackingError
        If the file cannot be written.
    """
    try:
        _rewrite_locations(file)
    except sqlite3.Error as error:
        raise TrackingError(
            f"the MLflow store {file} was moved, but its locations cannot be rewritten ({error}); "
            "see that its disk has space and that you may write there"
        ) from None


def _rewrite_locations(file: Path) -> None:
    here = file.parent.as_uri()
    with contextlib.closing(sqlite3.connect(file, timeout=20)) as database:
        rows = database.execute(
            "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE ?",
            (f"file://%/{ARTIFACTS}/%",),
        )
        roots = {location[: location.rindex(f"/{ARTIFACTS}/")] for (location,) in rows}
        for root in sorted(roots - {here}):
            if _stayed_behind(_path(root), file.parent):
                continue
            with database:  # all of it or nothing
                for table, column in _present(database):
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                        f"WHERE substr({column}, 1, ?) = ?",
                        (here, len(root) + 1, len(root) + 1, f"{root}/"),
                    )
            warnings.warn(
                f"the MLflow store {file} was moved from {_path(root)}; its artifacts are looked "
                f"for in {file.parent / ARTIFACTS} from now on",
                ArchcostWarning,
                stacklevel=3,
            )


def first_line(error: BaseException) -> str:
    """Return what an error says, in one line of moderate length."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0] if len(lines[0]) <= 200 else f"{lines[0][:197]}..."


def _stayed_behind(old: Path, new: Path) -> bool:
    """Tell whether artifacts lie where they lay, or are the same by another path."""
    if not (old / ARTIFACTS).is_dir():
        return False
    return not (new / ARTIFACTS).is_dir() or (new / ARTIFACTS).samefile(old / ARTIFACTS)


def _path(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))


def _present(database: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for table, columns in LOCATIONS.items():
        known = {row[1] for row in database.execute(f"PRAGMA table_info({table})").fetchall()}
        yield from ((table, column) for column in columns if column in known)


def _unusable(file: Path, reason: str) -> TrackingError:
    n_runs = _first_value(file, "SELECT count(*) FROM runs")
    move = shlex.join(["mv", str(file), str(file.with_suffix(".half"))])
    if n_runs:
        state = f"is one of another version of MLflow or a damaged one, and holds {n_runs} runs"
        remedy = f"copy it, then try `mlflow db upgrade {sqlite_uri(file)}`, or move it ({move})"
    elif _first_value(file, "SELECT count(*) FROM sqlite_master") is None:
        state, remedy = "is no SQLite file or a damaged one", f"move it away ({move})"
    else:
        state = "is half made, as the process that made it was killed, and holds no runs"
        remedy = f"move it away ({move}) and run the command again"
    return TrackingError(f"the MLflow store {file} {state} ({reason}); {remedy}")


def _has_version(file: Path) -> bool:
    return _first_value(file, "SELECT version_num FROM alembic_version") is not None


def _first_value(file: Path, query: str) -> object:
    """Return the first value that a query gives, None if there is none or no such table."""
    try:
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True)) as database:
            row = database.execute(query).fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else row[0]
