"""Arguments of another type than asked for are refused by their rule, not by a TypeError below."""

import pandas as pd
import pytest

import archcost
from archcost.analysis import (
    device_agreement,
    drift,
    noise_estimates,
    placed_fronts,
    proxy_correlations,
    status_counts,
)
from archcost.datasets import CostKey, CostTable
from archcost.errors import ArchcostError
from archcost.models import CostModel
from archcost.search import find_limits, optimum, search_measuring
from archcost.spaces import get_space
from archcost.tracking import learning_curve, register, run_experiment
from archcost.training import split_rows, train

SPACE = get_space("nasbench201")
CELLS = SPACE.format_many(SPACE.sample(9, seed=0))
TABLE = CostTable.from_costs(SPACE, CELLS, range(1, 10), device="my_board")
SCORE = pd.Series(range(9), CELLS)


def measuring(**given):
    usual = {
        "measure": len, "fit": len, "start": CELLS[:2], "limits": [3.0], "n_measurements": 3,
    }  # fmt: skip
    return search_measuring(**{"score": SCORE, **usual, **given})


WRONG = {
    "a table's path for the table": [
        lambda: train("mine.parquet"),
        lambda: learning_curve("mine.parquet"),
        lambda: run_experiment("mine.parquet"),
        lambda: proxy_correlations("mine.parquet"),
        lambda: device_agreement("mine.parquet"),
        lambda: noise_estimates("mine.parquet"),
        lambda: status_counts("mine.parquet"),
        lambda: drift.drift_estimates("mine.parquet"),
        lambda: placed_fronts("mine.parquet", SCORE),
    ],
    "one value for several": [
        lambda: learning_curve(TABLE, seeds=2),
        lambda: learning_curve(TABLE, sizes=100),
        lambda: device_agreement(TABLE, 3),
        lambda: measuring(limits=3.0),
        lambda: measuring(start=1),
        lambda: archcost.pareto_front(3.0),
    ],
    "none for one": [
        lambda: CostTable.read(None),
        lambda: CostModel.load(None),
        lambda: CostKey.parse(None),
        lambda: find_limits(None, {}),
        lambda: SPACE.from_index(None),
        lambda: register("nasbench201-my_board-latency-cifar10", alias=None),
    ],
    "something else": [
        lambda: archcost.pareto_front({"a": 1}),
        lambda: placed_fronts(TABLE, list(SCORE)),
        lambda: train(TABLE, 3),
        lambda: optimum(SPACE, {"a": 1}, {"raspi4": 20.0}),
        lambda: SPACE.from_index(2.5),
        lambda: register("nasbench201-my_board-latency-cifar10", uri=3),
        lambda: CostTable.from_frame(pd.DataFrame({"arch": [1], "latency_ms": [2.0]}), device=3),
        lambda: measuring(score=list(SCORE)),
        lambda: split_rows(SPACE, 9),
        lambda: split_rows(SPACE, [[0] * 6] * 9, n_train=2.5),
        lambda: split_rows(SPACE, [[0] * 6] * 9, seed=-1),
        lambda: measuring(measure="./bench.sh"),
        lambda: measuring(n_measurements="3"),
        lambda: measuring(level="high"),
        lambda: measuring(limits=["3 ms"]),
    ],
}


@pytest.mark.parametrize("calls", WRONG.values(), ids=WRONG)
def test_arguments_of_another_type_are_refused(calls):
    for call in calls:
        with pytest.raises(ArchcostError, match=r"must|needs"):
            call()
