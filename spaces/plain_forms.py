"""Take architectures out of whatever holds them: arrays, tensors, series, lists."""

from __future__ import annotations

from collections.abc import Mapping, MappingView, Sequence, Set
from numbers import Integral
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from archcost.errors import ArchitectureError, shown

ARCH = "arch"
"""The column of a data frame that holds architectures, as in cost tables."""

PLAIN = frozenset({str, int, list, tuple, dict})


def plain_form(archs: Any) -> Any:
    """Return one architecture or several as a string, int, mapping, list, or array of integers.

    A flat sequence of ints is one architecture, whatever holds it: series, tensors and arrays of
    any library that gives numpy its values are read in their order. Of a data frame the column
    ``arch`` is taken.

    Parameters
    ----------
    archs : object
        What a user gave.

    Returns
    -------
    str, int, mapping, list, tuple or numpy.ndarray
        An array has one or two axes and holds integers, or nothing.

    Raises
    ------
    ArchitectureError
        If it cannot be told what is meant: there is no order (sets), no position for a value
        (tables with named columns), a value that is masked, or numbers that are no integers.

    Examples
    --------
    >>> plain_form(range(3)), plain_form(np.int8(3))
    ([0, 1, 2], 3)
    """
    if type(archs) in PLAIN:
        return archs
    if isinstance(archs, np.ndarray):
        return _plain_array(archs)
    if isinstance(archs, (str, Mapping)):
        return archs
    if is_integer(archs):
        return int(archs)
    if isinstance(archs, (bytes, bytearray)):
        raise _refused(archs, "bytes may be text or numbers; decode them to a string, or give ints")
    if isinstance(archs, (Set, MappingView)):
        raise _refused(archs, "its order says nothing; give a list")
    if hasattr(archs, "columns") or hasattr(archs, "column_names"):
        if list(getattr(archs, "column_names", None) or archs.columns).count(ARCH) == 1:
            return _plain_column(archs)
        raise _refused(
            archs,
            f"its columns may be in any order; name the one that holds architectures {ARCH!r}, or "
            "give op ids as `.to_numpy()`",
        )
    if hasattr(archs, "__array__") and not isinstance(archs, np.generic):
        return _plain_array(_as_array(archs))
    if isinstance(archs, Sequence):
        try:
            return list(archs)
        except Exception as error:  # whatever a class of its own raises
            raise _refused(archs, f"it cannot be read ({error})") from None
    hint = "make a list of it" if hasattr(archs, "__iter__") else "give one of these"
    raise _refused(archs, hint)


def _plain_column(frame: Any) -> Any:
    """Return the architectures of a data frame, which has one in each row."""
    archs = plain_form(frame[ARCH])
    if isinstance(archs, np.ndarray) or (archs and is_integer(archs[0])):
        raise _refused(
            frame,
            f"the column {ARCH!r} must hold strings or lists; indices go to `predict_index`",
        )
    return archs


def is_integer(value: object) -> TypeGuard[int]:
    """Tell whether a value is a whole number: neither a truth value nor a time span."""
    return isinstance(value, Integral) and not isinstance(value, (bool, np.timedelta64))


def is_plain_ids(archs: object) -> bool:
    """Tell whether `archs` is a list of lists of plain ints, which numpy may convert at once."""
    if not isinstance(archs, (list, tuple)) or {type(arch) for arch in archs} - {list, tuple}:
        return False
    return {type(op) for arch in archs for op in arch} == {int}


def _as_array(archs: Any) -> npt.NDArray[Any]:
    try:
        # A tensor may be on a device, or part of a graph of gradients.
        return np.asarray(archs.detach().cpu() if hasattr(archs, "detach") else archs)
    except Exception as error:  # whatever a foreign library raises
        raise _refused(archs, f"numpy cannot read it ({error})") from None


def _plain_array(archs: npt.NDArray[Any]) -> Any:
    if isinstance(archs, np.ma.MaskedArray):
        if np.ma.getmaskarray(archs).any():
            raise _refused(archs, "some of its values are masked; leave these architectures out")
        archs = archs.data
    archs = np.asarray(archs)
    if archs.ndim not in (1, 2):
        raise _refused(
            archs,
            f"an array must have one axis (one architecture) or two (several), not {archs.ndim}",
        )
    if archs.dtype.kind in "OUT":  # Python objects and strings
        return archs.tolist()
    if archs.dtype.kind not in "iu" and archs.size:
        raise ArchitectureError(f"op ids must be integers, but got {archs.dtype} in {shown(archs)}")
    return archs


def _refused(archs: object, remedy: str) -> ArchitectureError:
    return ArchitectureError(
        "an architecture must be a string, a flat list or array of op names or ids, an index or a "
        "config dict, and several a list of such or an array (n_archs, n_positions), but got "
        f"{type(archs).__name__} {shown(archs)}: {remedy}"
    )
