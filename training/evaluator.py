"""Score a cost model on a table."""

from archcost.datasets import CostKey, CostTable
from archcost.errors import CostTableError
from archcost.models import CostModel
from archcost.training.key_rows import choose_key
from archcost.training.metrics import Score, score


def evaluate(
    model: CostModel, table: CostTable, key: CostKey | str | None = None, *, seed: int = 0
) -> dict[str, Score]:
    """Score a model on the costs of a table.

    Parameters
    ----------
    model : CostModel
        The model.
    table : CostTable
        True costs.
    key : CostKey or str, optional
        Which costs to compare with; those that the model predicts by default.
    seed : int, default=0
        Fixes the bootstrap.

    Returns
    -------
    dict of str to Score
        Every metric of ``archcost.training.metrics.METRICS`` with its interval.

    Raises
    ------
    CostTableError
        If the table's costs are of another space or metric.
    MissingDataError
        If the table has no such costs.
    """
    key = choose_key(table, model.key if key is None else key)
    if (key.space, key.metric) != (model.key.space, model.key.metric):
        raise CostTableError(
            f"costs must be {model.key.metric} in {model.key.space} to score this model, "
            f"but got {key}"
        )
    ops, cost = table.costs(key)
    return score(cost, model.predict(ops), seed=seed)
