"""Files that appear whole or not at all, also when a process is killed."""

from __future__ import annotations

import glob
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SURELY_LEFT_S = 24 * 3600.0
"""Age after which a temporary file is left over, where files cannot be locked."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the place of a temporary file that replaces `path` if nothing is raised.

    While it is written it is locked, so that the next write of the same file can tell what a
    killed process left behind, and removes it.

    Parameters
    ----------
    path : Path
        The file; its folder is made.

    Yields
    ------
    Path
        Where to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        if _is_left_over(left):
            left.unlink(missing_ok=True)
    part, lock = _claimed(path)
    try:
        yield part
        part.replace(path)
    finally:
        if lock is not None:
            os.close(lock)
        part.unlink(missing_ok=True)


def _claimed(path: Path) -> tuple[Path, int | None]:
    """Make a temporary file and lock it; closing the number returned, or a kill, gives it back."""
    while True:
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        file = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        locked = _lock(file)
        if locked is None:
            os.close(file)
            return part, None
        # Another process may have taken it for left over before it was locked.
        if locked and os.fstat(file).st_nlink:
            return part, file
        os.close(file)


def _is_left_over(part: Path) -> bool:
    """Tell whether nobody writes to a temporary file any more."""
    try:
        file = os.open(part, os.O_RDWR)
    except OSError:  # just replaced, or another user's
        return False
    try:
        free = _lock(file)
        return time.time() - part.stat().st_mtime > SURELY_LEFT_S if free is None else free
    except FileNotFoundError:
        return False
    finally:
        os.close(file)


def _lock(file: int) -> bool | None:
    """Lock a file, and tell whether that worked; None where there are no locks."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True
