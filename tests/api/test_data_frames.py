"""Architectures and costs in data frames and arrays of the libraries that users have."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

import archcost
from archcost.datasets import CostTable
from archcost.errors import ArchitectureError, CostTableError
from archcost.spaces import NASBench201

SPACE = NASBench201()
OPS = SPACE.all_ops[[5, 1462, 9999]]
STRINGS = SPACE.format_many(OPS)
EXPECTED = [archcost.predict(text, "eyeriss") for text in STRINGS]


@pytest.mark.parametrize(
    "archs",
    [
        OPS,
        np.array(STRINGS),
        pd.Series(STRINGS),
        pd.Index(STRINGS),
        pd.Series(STRINGS, dtype="category"),
        pd.DataFrame({"arch": STRINGS, "accuracy": [0.1, 0.2, 0.3]}),
        pl.Series(STRINGS),
        pl.Series(OPS.tolist()),
        pl.DataFrame({"accuracy": [0.1, 0.2, 0.3], "arch": STRINGS}),
        pa.array(STRINGS),
        pa.chunked_array([STRINGS]),
        pa.table({"arch": STRINGS}),
        [torch.tensor(row) for row in OPS],
        torch.tensor(OPS),
    ],
    ids=lambda archs: f"{type(archs).__module__}.{type(archs).__name__}",
)
def test_predictions_of_what_holds_architectures(archs):
    found = archcost.predict(archs, "eyeriss")
    assert np.asarray(found).tolist() == EXPECTED
    many = archcost.predict_many(archs, ["eyeriss"]) if not torch.is_tensor(archs) else found
    assert np.ravel(many).tolist() == EXPECTED


FRAMES = [pd.DataFrame, pl.DataFrame, pa.table]


@pytest.mark.parametrize("frame", FRAMES)
def test_tables_of_data_frames(frame):
    rows = {"arch": STRINGS, "latency_ms": [1.0, 2.0, 3.0], "note": ["a", "b", "c"]}
    table = CostTable.from_frame(frame(rows), device="my_board", provenance={"source": "me"})
    ops, latency_ms = table.costs("nasbench201-my_board-latency-cifar10")
    assert ops.tolist() == OPS.tolist()
    assert latency_ms.tolist() == [1, 2, 3]
    assert table.provenance.source == "me"


@pytest.mark.parametrize("read", [pl.DataFrame, pa.table])
def test_tables_give_their_rows_and_take_them_back(read):
    table = CostTable.from_costs("nasbench201", OPS, [1.0, 2.0, 3.0], device="my_board")
    frame = read(table)
    assert frame["cost"].to_pylist() if read is pa.table else frame["cost"].to_list() == [1, 2, 3]
    again = CostTable.from_frame(frame)
    assert again.sha256 == table.sha256
    assert CostTable.from_frame(table.to_pandas()).sha256 == table.sha256


@pytest.mark.parametrize("junk", [3, "a table", [1, 2], object(), None])
def test_what_is_no_data_frame_is_refused(junk):
    with pytest.raises(CostTableError, match="a data frame must be one of pandas, polars"):
        CostTable.from_frame(junk, device="my_board")


def test_a_row_that_is_no_architecture_is_named():
    frame = pd.DataFrame({"arch": [STRINGS[0], "junk"], "latency_ms": [1.0, 2.0]})
    with pytest.raises(ArchitectureError, match="row 1"):
        CostTable.from_frame(frame, device="my_board")
