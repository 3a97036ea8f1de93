"""A table that is measured again never has fewer rows than it had."""

import numpy as np
import pytest

from archcost.datasets import CostTable
from archcost.errors import CostTableError
from archcost.measuring.earlier_rows import selection_of, with_earlier
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(6, seed=0)


@pytest.fixture
def out(tmp_path):
    table = CostTable.from_costs(
        SPACE, ARCHS[:4], [1.0, 2.0, 3.0, np.nan], device="b",
        status=["ok", "ok", "ok", "not_measured"],
    )  # fmt: skip
    return table.write(tmp_path / "t.parquet")


def test_rows_that_were_there_follow_those_that_are_asked_for(out, tmp_path):
    known = SPACE.format_many(ARCHS)
    fewer = with_earlier(SPACE, ARCHS[1:2], out, "cifar10", known=known)
    assert fewer.tolist() == ARCHS[[1, 0, 2, 3]].tolist()
    assert fewer.dtype == ARCHS.dtype
    more = with_earlier(SPACE, ARCHS, out, "cifar10", known=known)
    assert more.tolist() == ARCHS.tolist()
    new = with_earlier(SPACE, ARCHS[:1], tmp_path / "new.parquet", "cifar10", known=[])
    assert new.tolist() == ARCHS[:1].tolist()
    assert selection_of("2 drawn", 2, 2) == "2 drawn"
    assert selection_of("1 drawn", 1, 4) == "1 drawn, and 3 that the table had before"


def test_costs_that_cannot_be_had_again_are_not_lost(out):
    with pytest.raises(CostTableError, match=r"1 architectures of .* are not in its journal"):
        with_earlier(SPACE, ARCHS, out, "cifar10", known=SPACE.format_many(ARCHS[:2]))
    # What had no cost is measured now.
    with_earlier(SPACE, ARCHS, out, "cifar10", known=SPACE.format_many(ARCHS[:3]))


def test_a_table_of_something_else_is_not_replaced(out):
    for dataset, device in (("cifar100", None), ("cifar10", "c")):
        with pytest.raises(CostTableError, match="but it holds nasbench201-b-latency-cifar10; ch"):
            with_earlier(SPACE, ARCHS, out, dataset, device=device)
    with pytest.raises(CostTableError, match="must be a new file, or a table of costs of fbnet"):
        with_earlier(get_space("fbnet"), get_space("fbnet").sample(1), out, "cifar100")
    out.write_bytes(b"PAR1")
    with pytest.raises(CostTableError, match=r"must be a whole PARQUET file.*; move it away"):
        with_earlier(SPACE, ARCHS, out, "cifar10")
