"""Files of numpy arrays (``.npz``): read whole and within bounds, or refused."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from archcost.errors import IntegrityError

__all__ = ["read_arrays"]

MOST_BYTES = 2**30
"""Unpacked size in bytes of a file's arrays at most: over a hundred times the largest that ships,
and far below what an archive of the same few megabytes may be made to claim."""


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a ``.npz`` file by their names; never runs code from it.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    dict of str to numpy.ndarray
        Arrays without Python objects.

    Raises
    ------
    IntegrityError
        If it is missing, damaged, encrypted, or unpacks to more than ``MOST_BYTES``.
    """
    try:
        with zipfile.ZipFile(path) as archive:  # reading stops at the sizes that it claims
            n_bytes = sum(member.file_size for member in archive.infolist())
        if n_bytes > MOST_BYTES:
            raise ValueError(f"its arrays take {n_bytes:,} bytes, more than {MOST_BYTES:,}")
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:  # a damaged archive makes its reader raise almost anything
        raise IntegrityError(
            f"{path} must be a whole file of arrays, but cannot be read ({error}); "
            "make or install it again"
        ) from None
