"""What type checkers and editors know of the forms that architectures come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

OneArchitecture: TypeAlias = "str | int | np.integer[Any] | Mapping[str, Any] | Sequence[int]"
"""A form that can only be one architecture."""

Architectures: TypeAlias = (
    "Sequence[Sequence[int]] | Sequence[Mapping[str, Any]] | Sequence[npt.NDArray[Any]]"
)
"""A form that can only be several.

Arrays and sequences of strings are neither: an array may have one axis, strings may be op names.
"""
