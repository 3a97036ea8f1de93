"""What type checkers and editors know of the forms that architectures come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from archcost.networks.graph import Graph

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["Architectures", "Graph", "OneArchitecture", "Path"]

OneArchitecture: TypeAlias = (
    "str | int | np.integer[Any] | Mapping[str, Any] | Sequence[int] | Graph | Module | Path"
)
"""A form that can only be one architecture, or one network of any kind."""

Architectures: TypeAlias = (
    "Sequence[Sequence[int]] | Sequence[Mapping[str, Any]] | Sequence[npt.NDArray[Any]]"
)
"""A form that can only be several.

Arrays and sequences of strings are neither: an array may have one axis, strings may be op names.
"""
