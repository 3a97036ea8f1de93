"""Which costs of a table a function is asked about."""

from __future__ import annotations

from collections.abc import Iterable

from archcost.datasets.cost_key import CostKey
from archcost.datasets.cost_table import CostTable
from archcost.errors import check_type


def chosen_keys(table: CostTable, keys: Iterable[CostKey | str] | None = None) -> list[CostKey]:
    """Return the keys asked for, or all of a table; refuse what is no cost table.

    Parameters
    ----------
    table : CostTable
        The costs.
    keys : iterable of CostKey or str, optional
        Which of them; all by default.

    Returns
    -------
    list of CostKey
        The keys.

    Raises
    ------
    ArchcostError
        If the table is none, such as the path of its file, or the keys are no list.

    Examples
    --------
    >>> chosen_keys("my_board.parquet")
    Traceback (most recent call last):
    ...
    archcost.errors.ArchcostError: table must be a cost table, such as CostTable.read reads from a \
file, but got 'my_board.parquet'
    """
    rule = "a cost table, such as CostTable.read reads from a file"
    check_type("table", table, CostTable, rule)
    if keys is None:
        return table.keys()
    check_type("keys", keys, Iterable, "a list of cost keys, such as those of table.keys()")
    return [CostKey.parse(key) if isinstance(key, str) else key for key in keys]
