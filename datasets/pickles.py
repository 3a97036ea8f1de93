"""Read third-party pickles without running their code.

A pickle may name any class and call it while loading. Cost tables need none but numbers, so
everything else is refused: plain lists, dicts, strings and numbers load, numpy's numbers and
arrays load, a foreign class is an error that names it.
"""

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from archcost.errors import IntegrityError, MissingDataError

MAX_BYTES = 2**30
"""Larger members of an archive are refused: the published tables take up to 10 MB."""


def load_pickle(path: str | Path) -> Any:
    """Load a pickle that holds plain data.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    object
        Lists, dicts, strings and numbers; numpy scalars and arrays.

    Raises
    ------
    MissingDataError
        If there is no such file.
    IntegrityError
        If the file names any other class, or is damaged.
    """
    path = _existing(path)
    with path.open("rb") as stream:
        return _load(stream, path)


def load_torch_zip(path: str | Path) -> Any:
    """Load a ``.pt`` file of plain data, without torch.

    A ``.pt`` file is a zip archive whose member ``data.pkl`` is a pickle; tensors would be further
    members, and are refused.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    object
        Lists, dicts, strings and numbers.

    Raises
    ------
    MissingDataError
        If there is no such file.
    IntegrityError
        If the file is no such archive, is damaged, or names a foreign class.
    """
    path = _existing(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith("/data.pkl")]
            if len(members) != 1 or members[0].file_size > MAX_BYTES:
                raise IntegrityError(
                    f"a .pt file must hold one data.pkl of plain data, but {path} holds "
                    f"{[m.filename for m in archive.infolist()]}"
                )
            data = archive.read(members[0])
    except IntegrityError:
        raise
    # An archive that is damaged or encrypted makes zipfile raise almost anything.
    except Exception as error:
        raise IntegrityError(
            f"{path} is no .pt archive, or is truncated or encrypted: {error}"
        ) from None
    return _load(io.BytesIO(data), path)


class _PlainUnpickler(pickle.Unpickler):
    """Resolve the few names that plain numbers need, and refuse every other."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        super().__init__(stream)
        self._path = path

    def find_class(self, module: str, name: str) -> Any:
        # numpy 2 renamed its private module; pickles of both ages are about.
        stand_in = STAND_INS.get((module.replace("numpy._core", "numpy.core"), name))
        if stand_in is None:
            raise IntegrityError(
                f"a cost table's pickle must hold plain data, but {self._path} asks for "
                f"{module}.{name}; nothing was run. Get the file from its publisher"
            )
        return stand_in

    def persistent_load(self, pid: Any) -> Any:
        raise IntegrityError(f"{self._path} must hold plain data, but refers to a tensor: {pid!r}")


class _StandIn:
    """What a pickle gets for a name: callable, and closed to the state a pickle may set."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *args: Any) -> Any:
        return self._make(*args)

    def __setstate__(self, state: Any) -> None:
        raise IntegrityError("a cost table's pickle must not change what it is read with")


class _NumberType:
    """Stand in for ``numpy.dtype``: numbers, booleans and strings of either byte order."""

    def __init__(self, spec: str, align: object = False, copy: object = False) -> None:
        self.dtype = np.dtype(str(spec))
        if self.dtype.kind not in "biufSU":
            raise IntegrityError(f"a cost table's pickle must hold numbers, but got {self.dtype}")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, byte_order, *structure = state[:5]
        if any(part is not None for part in structure):
            raise IntegrityError("a cost table's pickle must hold numbers, but got a structure")
        self.dtype = self.dtype.newbyteorder(byte_order)


class _NumberArray(np.ndarray[Any, np.dtype[Any]]):
    """Stand in for ``numpy.ndarray``: an array that takes only numbers as its state."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        version, shape, number, fortran_order, data = state
        super().__setstate__((version, shape, number.dtype, fortran_order, bytes(data)))


def _scalar(number: _NumberType, data: bytes) -> Any:
    return np.frombuffer(data, dtype=number.dtype, count=1)[0]


def _array(*_: object) -> npt.NDArray[Any]:
    return np.empty(0, dtype=np.int8).view(_NumberArray)


def _array_from_buffer(data: bytes, number: _NumberType, shape: Any, order: Any) -> Any:
    return np.frombuffer(data, dtype=number.dtype).reshape(shape, order=order)


def _latin1(text: str, encoding: str) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise IntegrityError(f"bytes in a pickle must be spelled as latin1, but got {encoding!r}")
    return text.encode("latin1")


STAND_INS = {
    ("_codecs", "encode"): _StandIn(_latin1),  # how protocol 2 spells bytes
    ("collections", "OrderedDict"): _StandIn(dict),
    ("numpy", "dtype"): _StandIn(_NumberType),
    ("numpy", "ndarray"): _StandIn(_array),
    ("numpy.core.multiarray", "_reconstruct"): _StandIn(_array),
    ("numpy.core.multiarray", "scalar"): _StandIn(_scalar),
    ("numpy.core.numeric", "_frombuffer"): _StandIn(_array_from_buffer),
}
"""What a pickle may ask for, and what it gets."""


def _load(stream: BinaryIO, path: Path) -> Any:
    try:
        return _PlainUnpickler(stream, path).load()
    except IntegrityError:
        raise
    # A damaged stream makes the unpickler raise almost anything.
    except Exception as error:
        raise IntegrityError(
            f"{path} is no pickle or is damaged ({type(error).__name__}: {error}); fetch it again"
        ) from None


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(
            f"there is no file {path}; see `archcost data list` for what is there, and "
            "`archcost data fetch` to download the published tables"
        )
    return path
