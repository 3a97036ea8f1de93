"""Download published tables once, check them, and keep them in the data folder."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archcost.datasets.source import Source, SourceFile
from archcost.datasets.sources import data_folder
from archcost.datasets.whole_file import whole_file
from archcost.errors import IntegrityError, MissingDataError
from archcost.progress import progress_bar

CHUNK = 2**20
TIMEOUT_S = 60
MAX_BYTES = 2**28
"""A larger reply is refused: the published files take up to 10 MB."""


def fetch(
    source: Source,
    folder: str | Path | None = None,
    *,
    from_file: str | Path | None = None,
    progress: bool = True,
) -> Path:
    r"""Bring a source into the data folder; what is there and sound is not fetched again.

    Parameters
    ----------
    source : Source
        What to fetch.
    folder : str or Path, optional
        The data folder; `data_folder()` by default.
    from_file : str or Path, optional
        Take the files from here instead of the network: the file itself for a source of one file,
        else a folder or zip archive that holds them, such as a clone of the repository.
    progress : bool, default=True
        Whether to show a progress bar.

    Returns
    -------
    Path
        The source's folder, complete and checked.

    Raises
    ------
    MissingDataError
        If a file cannot be had; the message says how to bring it by hand.
    IntegrityError
        If a file is not the one that was published.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from archcost.datasets.source import Source, SourceFile
    >>> work = TemporaryDirectory()
    >>> published = Path(work.name, "costs.csv")
    >>> _ = published.write_text("cell,milliseconds\n1462,9.5\n")
    >>> digest = digest_of(published, "sha256")
    >>> source = Source(
    ...     name="mine", title="One cell", folder="mine", homepage="https://example.org/",
    ...     base_url="https://example.org/", files=(SourceFile("costs.csv", "costs.csv", digest),),
    ...     licence="CC0-1.0", citation="Somebody, 2024.", holds="one cell", parse=print,
    ... )
    >>> [path.name for path in fetch(source, work.name, from_file=published).iterdir()]
    ['costs.csv']
    >>> work.cleanup()
    """
    target = (data_folder() if folder is None else Path(folder)) / source.folder
    wanted = [file for file in source.files if not is_sound(target / file.path, file.digest)]
    if not wanted:
        return target
    if from_file is None:
        _download_all(source, wanted, target, progress)
        return target
    with _opened(Path(from_file)) as origin:
        for file in wanted:
            _install(_find(origin, file, source), target / file.path, file.digest)
    return target


def digest_of(path: Path, kind: str) -> str:
    """Return the hash of a file.

    Parameters
    ----------
    path : Path
        The file.
    kind : {"sha256", "gitblob"}
        SHA-256 of the content, or the SHA-1 by which git names it.

    Returns
    -------
    str
        ``"<kind>:<hexadecimal digits>"``.
    """
    if kind == "gitblob":
        digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    else:
        digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return f"{kind}:{digest.hexdigest()}"


def is_sound(path: Path, digest: str) -> bool:
    """Tell whether a file is there and has the given hash."""
    return path.is_file() and digest_of(path, digest.partition(":")[0]) == digest


def _download_all(source: Source, wanted: list[SourceFile], target: Path, progress: bool) -> None:
    # One bar over many small files, or one over the bytes of a single file.
    single = len(source.files) == 1
    unit: dict[str, Any] = (
        {"unit": "B", "unit_scale": True} if single else {"unit": "file", "total": len(wanted)}
    )
    with progress_bar(desc=source.name, show=progress, **unit) as bar:

        def advance(n_bytes: int, expected: int | None) -> None:
            if single:
                bar.total = expected
                bar.update(n_bytes)

        for file in wanted:
            url = source.base_url + file.remote
            with tempfile.TemporaryDirectory() as scratch:
                fresh = Path(scratch) / Path(file.path).name
                try:
                    _download(url, fresh, advance)
                except Exception as error:  # sockets, redirects, encodings: a reply can be anything
                    if getattr(error, "errno", None) == errno.ENOSPC:
                        raise
                    raise MissingDataError(
                        f"{url} cannot be downloaded ({error}); without a network, get "
                        f"{source.homepage} elsewhere and run `archcost data fetch {source.name} "
                        "--from-file PATH`"
                    ) from None
                _install(fresh, target / file.path, file.digest)
            if not single:
                bar.update()


def _download(url: str, fresh: Path, advance: Callable[[int, int | None], None]) -> None:
    """Download one file, and report each piece with the length that is expected."""
    import requests

    with requests.get(url, stream=True, timeout=TIMEOUT_S) as reply, fresh.open("wb") as file:
        reply.raise_for_status()
        length = reply.headers.get("Content-Length", "")
        n_bytes = 0
        for piece in reply.iter_content(CHUNK):
            n_bytes += len(piece)
            if n_bytes > MAX_BYTES:
                raise OSError(f"the reply is larger than {MAX_BYTES} bytes")
            file.write(piece)
            advance(len(piece), int(length) if length.isdecimal() else None)


def _install(fresh: Path, target: Path, digest: str) -> None:
    """Put a file in its place if it is the published one; it appears whole or not at all."""
    found = digest_of(fresh, digest.partition(":")[0])
    if found != digest:
        raise IntegrityError(
            f"{target.name} must have the hash {digest}, but {fresh} has {found}; it is truncated "
            "or another version, and was not kept"
        )
    with whole_file(target) as part:
        shutil.copyfile(fresh, part)


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    """Give a file or folder as it is, and an archive as the folder that it holds."""
    if not (path.is_file() or path.is_dir()):
        raise MissingDataError(f"there is no file or folder {path} to take the tables from")
    if path.suffix != ".zip" or not zipfile.is_zipfile(path):
        yield path
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with zipfile.ZipFile(path) as archive:
                n_bytes = sum(file.file_size for file in archive.infolist())
                if n_bytes > 16 * MAX_BYTES:
                    raise OSError(f"it holds {n_bytes} bytes")
                archive.extractall(scratch)
        # An archive that is damaged or encrypted makes zipfile raise almost anything.
        except Exception as error:
            raise IntegrityError(
                f"{path} must be a whole zip archive without a password, but: {error}"
            ) from None
        yield Path(scratch)


def _find(origin: Path, file: SourceFile, source: Source) -> Path:
    """Return where a file of a source lies in a file, a clone, or a folder of such."""
    if origin.is_file():
        if len(source.files) == 1:
            return origin
        raise MissingDataError(
            f"{source.name} has {len(source.files)} files; give a folder or zip archive that holds "
            f"them, such as a clone of {source.homepage}, not the file {origin}"
        )
    folders = [origin, origin / source.folder, *sorted(p for p in origin.iterdir() if p.is_dir())]
    for folder in folders:
        for place in (folder / file.path, folder / file.remote):
            if place.is_file():
                return place
    raise MissingDataError(f"{origin} must hold {file.remote}, as {source.homepage} does")
