"""A table that is there already keeps its architectures when its file is written again."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from archcost.errors import ArchcostError, CostTableError
from archcost.spaces.space import Ops, SearchSpace


def with_earlier(
    space: SearchSpace,
    archs: Ops,
    out: Path,
    dataset: str,
    *,
    device: str | None = None,
    known: Collection[str] | None = None,
) -> Ops:
    """Return architectures, and after them those of the table that is to be replaced.

    Parameters
    ----------
    space : SearchSpace
        The space of the architectures.
    archs : numpy.ndarray of int, shape (n_archs, n_positions)
        What the new table is asked to hold.
    out : Path
        Where it goes; need not exist.
    dataset : str
        Of the new table.
    device : str, optional
        Of the new table, where it must be that of the table that is there.
    known : collection of str, optional
        Architectures whose costs can be had again; all by default.

    Returns
    -------
    numpy.ndarray of int, shape (n_all, n_positions)
        At least as many as the table has.

    Raises
    ------
    CostTableError
        If what is there is no such table, or has costs that cannot be had again.
    """
    from archcost.datasets.cost_table import CostTable

    if not out.exists():
        return archs
    try:
        table = CostTable.read(out)
    except ArchcostError as error:
        raise CostTableError(
            f"{out} must be a new file, or a table to go on with, but: {error}; move it away"
        ) from None
    others = [
        str(key)
        for key in table.keys()  # noqa: SIM118  no mapping
        if (key.space, key.dataset_name) != (space.name, dataset)
        or device not in (None, key.device)
    ]
    if others:
        raise CostTableError(
            f"{out} must be a new file, or a table of {device or 'costs'} of {space.name} on "
            f"{dataset} to go on with, but it holds {others[0]}; choose another --out"
        )
    frame = table.to_pandas()
    has_cost = set(frame["arch"][frame["status"] == "ok"])
    lost = set() if known is None else has_cost - set(known)
    if lost:
        raise CostTableError(
            f"a table that is measured again must not lose costs, but {len(lost)} architectures "
            f"of {out} are not in its journal; choose another --out, or move the table away to "
            "measure anew"
        )
    wanted = set(space.format_many(archs))
    more = [arch for arch in frame["arch"].unique() if arch not in wanted]
    return np.concatenate([archs, space.parse_many(more)]) if more else archs


def selection_of(selection: str, n_chosen: int, n_archs: int) -> str:
    """Return in words how the architectures of a table were chosen, those from before included."""
    more = n_archs - n_chosen
    return f"{selection}, and {more} that the table had before" if more else selection
