"""The rows of one cost key in a table."""

from archcost.datasets import CostKey, CostTable
from archcost.errors import CostTableError, MissingDataError


def choose_key(table: CostTable, key: CostKey | str | None) -> CostKey:
    """Return the key asked for, or the only one of the table."""
    keys = table.keys()
    if key is None:
        if len(keys) > 1:
            raise CostTableError(
                f"a key must be given for a table with several; this one has {[*map(str, keys)]}"
            )
        return keys[0]
    key = CostKey.parse(key) if isinstance(key, str) else key
    if key not in keys:
        raise MissingDataError(
            f"this table has no costs for {key}; it has {[str(known) for known in keys]}"
        )
    return key


def rows_of(table: CostTable, key: CostKey) -> CostTable:
    """Return the rows of a key, those without a cost as well."""
    return table.select(space=key.space, device=key.device, metric=key.metric, dataset=key.dataset)
