"""The folder of a saved model on disk: it appears in one step, and is replaced in one step."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from archcost.errors import ArchcostError
from archcost.models.manifest import CONTENTS, FILE_NAME, MANIFEST, Manifest

ABANDONED_AFTER_S = 3600.0
"""Age of unfinished files after which the process that wrote them counts as killed."""

Write = Callable[[Path], Manifest]
"""Write a model's files to a folder and return the manifest that names them."""


def save_model(folder: Path, write: Write) -> None:
    """Write a model so that readers find the old one or the new one whole, whenever they look.

    A new folder is written under a temporary name and renamed. Over a saved model, the files go
    to a subfolder of their own; the manifest that names it then replaces the old one, which is
    the one step. No lock is needed: of two processes that save at once, the later one stays.

    Parameters
    ----------
    folder : pathlib.Path
        Where the model goes.
    write : callable
        ``write(place)`` writes the files into a folder and returns the manifest.

    Raises
    ------
    FileExistsError
        If `folder` exists and is not a saved model.
    """
    is_saved = (folder / MANIFEST).is_file()
    if not is_saved and folder.exists() and any(folder.iterdir()):
        raise FileExistsError(
            f"a model must be saved to a new folder or over a saved model, but {folder} holds "
            "other files; choose another folder"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    for pattern in (".saving-*", ".removed-*"):
        _remove_abandoned(folder.parent, pattern)
    if not is_saved and _appeared(folder, write):
        return
    _remove_abandoned(folder, "files-*", but=_named_files(folder)[0])
    _replace(folder, write)


def remove_model(folder: Path) -> None:
    """Remove a saved model in one step: a process that is killed leaves it whole or gone."""
    _remove_abandoned(folder.parent, ".removed-*")
    gone = folder.rename(folder.with_name(f".removed-{uuid4().hex[:16]}"))
    if gone.is_symlink():
        gone.unlink()
    else:
        shutil.rmtree(gone, ignore_errors=True)


def was_replaced(folder: Path, manifest: Manifest) -> bool:
    """Tell whether another model has taken the place of the one whose manifest was read."""
    try:
        return Manifest.read(folder) != manifest
    except (ArchcostError, OSError):
        return False


def _appeared(folder: Path, write: Write) -> bool:
    """Make a new folder; return False if another process was first."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".saving-") as temporary:
        complete = Path(temporary) / "model"
        complete.mkdir()
        (complete / MANIFEST).write_text(write(complete).to_json(), encoding="utf-8")
        with contextlib.suppress(OSError):
            folder.rmdir()  # not every system renames onto an empty folder
        try:
            complete.rename(folder)
        except OSError:
            if not (folder / MANIFEST).is_file():
                raise
            return False
    return True


def _replace(folder: Path, write: Write) -> None:
    contents = folder / f"files-{uuid4().hex[:16]}"
    contents.mkdir()
    try:
        manifest = replace(write(contents), contents=contents.name)
        part = contents / MANIFEST
        part.write_text(manifest.to_json(), encoding="utf-8")
        old, old_files = _named_files(folder)
        part.replace(folder / MANIFEST)
    finally:
        if _named_files(folder)[0] != contents.name:  # interrupted, or replaced by another process
            shutil.rmtree(contents, ignore_errors=True)
    if old:
        shutil.rmtree(folder / old, ignore_errors=True)
    else:
        for name in old_files:
            (folder / name).unlink(missing_ok=True)


def _remove_abandoned(root: Path, pattern: str, but: str = "") -> None:
    oldest = time.time() - ABANDONED_AFTER_S
    for path in root.glob(pattern):
        with contextlib.suppress(OSError):
            if path.name != but and path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)


def _named_files(folder: Path) -> tuple[str, list[str]]:
    """Return the subfolder and files that a manifest names, even if the rest makes no sense."""
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
        contents, files = content.get("contents", ""), list(content["files"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", []
    if not isinstance(contents, str) or not CONTENTS.fullmatch(contents):
        return "", []
    return contents, [name for name in files if FILE_NAME.fullmatch(name)]
