"""Make the rows of a cost table from arrays of costs."""

from __future__ import annotations

from collections.abc import Mapping, MappingView, Sequence, Set
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from archcost.datasets.cost_key import CostKey
from archcost.datasets.devices import COST_KINDS, DEVICES, CostKind, DeviceCard
from archcost.datasets.table_columns import coded
from archcost.errors import CostTableError, check_name, check_number, shown
from archcost.spaces.spaces import get_space

if TYPE_CHECKING:
    import pyarrow as pa

BOOLEANS = (bool, np.bool_)


def cost_rows(
    key: CostKey,
    archs: object,
    cost: npt.ArrayLike,
    *,
    batch_size: int,
    kind: CostKind,
    status: str | Sequence[str] | None,
    repeats: Mapping[str, npt.ArrayLike | None],
) -> pa.Table:
    """Return the rows of one key, as ``CostTable.from_costs`` documents them.

    Parameters
    ----------
    key : CostKey
        What the costs are of.
    archs : sequence of architectures or array (n_archs, n_positions)
        Any accepted form.
    cost : array-like of float, shape (n_archs,)
        Costs; NaN where `status` says that there is none.
    batch_size, kind, status
        Of all rows, or for `status` of each.
    repeats : mapping of str to array-like of shape (n_archs,), number or None
        Further number columns, by name; None leaves one out.

    Returns
    -------
    pyarrow.Table
        Unchecked rows.
    """
    import pyarrow as pa

    space = get_space(key.space)
    strings = space.format_many(archs, key.dataset)
    n_archs = len(strings)
    costs = _as_costs(cost, n_archs)
    check_number("batch_size", batch_size, whole=True)
    check_name("kind", kind, COST_KINDS)
    statuses = [status or "ok"] * n_archs if status is None or isinstance(status, str) else status
    if not hasattr(statuses, "__len__"):
        raise CostTableError(
            f"status must be a text or one an architecture, but got {shown(status)}"
        )
    if len(statuses) != n_archs:
        raise CostTableError(f"status must have {n_archs} values, but has {len(statuses)}")
    has_cost = np.array([name == "ok" for name in statuses], dtype=bool)
    data: dict[str, Any] = {
        name: coded(np.zeros(n_archs, dtype=np.int32), [word])
        for name, word in {**_words(key), "kind": kind}.items()
    }
    data["arch"] = pa.array(strings, pa.string())
    data["cost"] = pa.array(costs, mask=np.isnan(costs) & ~has_cost)
    data["status"] = pa.array([str(name) for name in statuses], pa.string())
    own_sizes = space.batch_sizes(strings)
    data["batch_size"] = pa.array(np.full(n_archs, batch_size) if own_sizes is None else own_sizes)
    for name, values in repeats.items():
        if values is not None:
            filled = numbers_of(name, values)
            if filled.shape not in ((), (n_archs,)):
                raise CostTableError(
                    f"{name} must be one number or one an architecture, but there are {n_archs} "
                    f"architectures and numbers of shape {filled.shape}"
                )
            filled = np.broadcast_to(filled, n_archs)
            data[name] = pa.array(filled, mask=np.isnan(filled))
    return pa.table(data)


def column_rows(
    archs: object,
    columns: Mapping[CostKey, npt.ArrayLike],
    *,
    missing_status: str | None = None,
) -> pa.Table:
    """Return the rows of several keys over the same architectures, as sources publish them.

    Parameters
    ----------
    archs : sequence of architectures or array (n_archs, n_positions)
        Any accepted form, of the space that all keys share.
    columns : mapping of CostKey to array-like of float, shape (n_archs,)
        Costs in the unit of the key; kind and batch size are those of the device's card.
    missing_status : str, optional
        Status of the costs that are NaN; without it NaN is an error.

    Returns
    -------
    pyarrow.Table
        ``n_archs * n_keys`` unchecked rows.
    """
    import pyarrow as pa

    keys = list(columns)
    if len({key.space for key in keys}) != 1:
        raise CostTableError(f"columns of costs must share a search space, but got {keys}")
    space = get_space(keys[0].space)
    for key in keys:
        space.dataset_of(archs, key.dataset)  # a config dict may name another one
    strings = space.format_many(archs)
    cost = np.concatenate([_as_costs(columns[key], len(strings)) for key in keys])
    missing = np.isnan(cost) if missing_status else np.zeros(len(cost), dtype=bool)
    cards = [DEVICES.get(key.device, DeviceCard(key.device, key.device)) for key in keys]
    column = np.repeat(np.arange(len(keys)), len(strings))
    data: dict[str, Any] = {
        name: coded(column, [_words(key)[name] for key in keys]) for name in _words(keys[0])
    }
    data["kind"] = coded(column, [card.kind for card in cards])
    data["arch"] = coded(np.tile(np.arange(len(strings)), len(keys)), strings)
    data["cost"] = pa.array(cost, mask=missing)
    data["status"] = coded(missing.astype(np.int32), ["ok", missing_status or "not_measured"])
    data["batch_size"] = pa.array(np.array([card.batch_size for card in cards])[column])
    return pa.table(data)


def _words(key: CostKey) -> dict[str, str]:
    """Return what a key says, by the column that holds it."""
    return {
        "space": key.space,
        "device": key.device,
        "metric": key.metric,
        "dataset": key.dataset,
        "unit": key.unit,
    }


def numbers_of(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return numbers as float64; what is masked or missing is NaN.

    Parameters
    ----------
    name : str
        What they are, for error messages.
    values : array-like
        Numbers in any container that numpy reads.

    Raises
    ------
    CostTableError
        If something else is among them, such as a truth value, a time or a text.
    """
    given: Any = values
    if hasattr(given, "detach"):  # a tensor, maybe on a device or of a graph of gradients
        given = given.detach().cpu()
    if hasattr(given, "columns") or isinstance(given, (Mapping, Set, MappingView)):
        raise CostTableError(
            f"{name} must be a sequence of numbers, in the order of the architectures, but got "
            f"{shown(values)}"
        )
    try:
        if isinstance(given, Sequence) and any(isinstance(one, BOOLEANS) for one in given):
            raise TypeError("truth values are none")  # numpy would make them 0 and 1
        array = np.asanyarray(given)
        if array.dtype == object:
            wrong = [one for one in array.flat if not _is_number(one)]
            if wrong:
                raise CostTableError(f"{name} must be numbers, but got {shown(wrong[0])}")
            array = np.array([np.nan if one is None else one for one in array.flat], np.float64)
            array = array.reshape(np.shape(given))
    except (TypeError, ValueError, OverflowError) as error:
        raise CostTableError(f"{name} must be numbers, but: {error}") from None
    if array.dtype.kind not in "iuf" and array.size:
        raise CostTableError(f"{name} must be numbers, but got {array.dtype}: {shown(values)}")
    if isinstance(array, np.ma.MaskedArray):
        array = np.ma.filled(array.astype(np.float64), np.nan)
    return np.asarray(array, dtype=np.float64)


def _is_number(value: object) -> bool:
    if value is None or isinstance(value, Decimal):
        return True
    return isinstance(value, Real) and not isinstance(value, (*BOOLEANS, np.timedelta64))


def _as_costs(cost: npt.ArrayLike, n_archs: int) -> npt.NDArray[np.float64]:
    costs = numbers_of("costs", cost)
    if costs.shape != (n_archs,):
        raise CostTableError(
            f"there must be one cost an architecture, but there are {n_archs} architectures and "
            f"costs of shape {costs.shape}"
        )
    return costs
