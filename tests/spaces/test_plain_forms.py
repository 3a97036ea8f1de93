"""What holds an architecture, and what could be read in more ways than one."""

import array
import collections
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from archcost.errors import ArchitectureError
from archcost.spaces import FBNet, NASBench201, infer_space

CELLS = NASBench201()
OPS = [3, 0, 1, 0, 0, 2]
CELL = CELLS.format(OPS)
NAMES = [CELLS.op_names[op] for op in OPS]


class Polars:
    """A series as polars has it: numpy reads it, pandas does not know it."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)


@pytest.mark.parametrize(
    "held",
    [
        pd.Series(OPS),
        pd.Series(OPS, index=[5, 4, 3, 2, 1, 0]),
        pd.Series(OPS, dtype="Int64"),
        pd.Series(OPS, dtype="category"),
        pd.Series(OPS, dtype="int64[pyarrow]"),
        pd.Index(OPS),
        pd.array(OPS, dtype="Int8"),
        pd.Series(NAMES),
        pd.Series(NAMES, dtype="category"),
        Polars(OPS),
        pa.array(OPS),
        torch.tensor(OPS),
        torch.tensor(OPS, dtype=torch.uint8),
        array.array("b", OPS),
        collections.deque(OPS),
        memoryview(np.array(OPS, dtype=np.int8)),
        np.array(OPS, dtype=object),
        np.array(NAMES),
        np.ma.array(OPS),
        np.ma.array(OPS, mask=False),
        [np.int8(op) for op in OPS],
    ],
    ids=lambda held: f"{type(held).__module__}.{type(held).__name__}",
)
def test_a_flat_sequence_is_one_architecture_whatever_holds_it(held):
    assert CELLS.is_single(held)
    assert CELLS.parse(held).tolist() == OPS
    assert infer_space(held) == CELLS
    with pytest.raises(ArchitectureError, match="wrap it in a list"):
        CELLS.parse_many(held)


@pytest.mark.parametrize(
    "held",
    [
        pd.Series([CELL, CELL]),
        pd.Series([OPS, OPS]),
        pd.Index([CELL, CELL]),
        torch.tensor([OPS, OPS]),
        np.array([OPS, OPS], dtype=object),
        np.array([NAMES, NAMES]),
        np.array([CELL, CELL]),
        (np.array(OPS), CELL),
    ],
    ids=lambda held: f"{type(held).__module__}.{type(held).__name__}",
)
def test_several_architectures_whatever_holds_them(held):
    assert not CELLS.is_single(held)
    assert CELLS.parse_many(held).tolist() == [OPS, OPS]
    assert infer_space(held) == CELLS


DEEP = OPS
for _ in range(3000):
    DEEP = [DEEP]
ENDLESS = {}
ENDLESS["arch_str"] = ENDLESS


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (set(OPS), "its order says nothing; give a list"),
        (frozenset(OPS), "its order says nothing"),
        (dict.fromkeys(OPS).keys(), "its order says nothing"),
        ({"a": 3}.values(), "its order says nothing"),
        (pd.DataFrame([OPS]), r"its columns may be in any order.*give op ids as `.to_numpy\("),
        (pd.DataFrame([[CELL, CELL]], columns=["arch", "arch"]), "its columns may be in any order"),
        (pd.DataFrame({"arch": [0, 1, 2, 3, 4, 0]}), "indices go to `predict_index`"),
        (pa.table({"arch": [7]}), "indices go to `predict_index`"),
        (pa.table({"a": OPS}), "its columns may be in any order"),
        (np.ma.array(OPS, mask=[0, 0, 0, 0, 0, 1]), "some of its values are masked"),
        (np.ma.array([OPS], mask=[[0, 0, 0, 0, 0, 1]]), "some of its values are masked"),
        (pd.array([3, 0, 1, 0, 0, None], dtype="Int64"), "must be integers"),
        (pd.Series(OPS, dtype=float), "must be integers, but got float64"),
        (np.array(OPS, dtype=bool), "must be integers, but got bool"),
        (np.array(OPS, dtype="timedelta64[s]"), "must be integers, but got timedelta64"),
        (np.array(3), "one axis .one architecture. or two .several., not 0"),
        (np.zeros((1, 1, 6), dtype=int), "or two .several., not 3"),
        (torch.tensor(3), "not 0"),
        (torch.zeros(6), "must be integers, but got float32"),
        (np.timedelta64(3), "must be a string"),
        (np.True_, "must be a string"),
        (True, "must be a string"),
        (None, "must be a string"),
        (3.0, "must be a string"),
        (b"cell", "bytes may be text or numbers"),
        (bytes(OPS), "bytes may be text or numbers"),
        ((op for op in OPS), "make a list of it"),
        (iter([CELL]), "make a list of it"),
        ([np.timedelta64(op) for op in OPS], "must be integers"),
        ([None] * 6, "must be integers, but got None"),
        ([float("nan")] * 6, "must be integers, but got nan"),
        ([3, 0, [1], 0, 0, 2], r"must be integers, but got \[1\]"),
        ([3, 0, 1, 0, 0, "none"], "must be integers, but got 'none'"),
        (["none", "none", "none", "none", "none", 3], "must be integers, but got 'none'"),
        ([[3, 0, 1], [0, 0]], "must have 6 ops, but got shape"),
        (DEEP, "must be integers, but got a list that cannot be printed"),
        (ENDLESS, "but got {'arch_str': {...}} in"),
        ({"arch_str": {"arch_str": CELL}}, "must hold an architecture as a string or a list"),
        ({"arch_str": 7}, "must hold an architecture as a string or a list of ops, but got 7"),
        ([3, 0, 1, 0, 0, 10**6000], "but got an integer of 19932 bits"),
        (10**6000, "between 0 and 15624, but got an integer of 19932 bits"),
        (-(10**6000), "between 0 and 15624, but got an integer of 19932 bits"),
        ("x" * 10**6, "x ... x"),
        (pd.Series(dtype=object), "at least one architecture"),
        (np.zeros((0, 6)), "at least one architecture"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value[:20],
)
def test_what_cannot_be_told_is_refused(held, message):
    with pytest.raises(ArchitectureError, match=message) as refused:
        infer_space(held)
    assert len(str(refused.value)) < 3000
    if not hasattr(held, "__len__") or not hasattr(held, "shape") or len(held.shape) != 2:
        assert held not in CELLS


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([OPS, [3.0, 0, 1, 0, 0, 2]], "architecture 1: op ids of nasbench201 must be integers"),
        ([OPS, None], "architecture 1: an architecture must be a string"),
        ([OPS, {3}], "architecture 1: .*its order says nothing"),
        ([OPS, [10**30] * 6], "architecture 1: op ids of nasbench201 must be between 0 and 4"),
        ([[10**6000] * 6], "architecture 0: .*an integer of 19932 bits"),
        (np.array([OPS, OPS], dtype=float), "must be integers, but got float64"),
        ([[OPS]], "architecture 0: op ids of nasbench201 must be integers"),
    ],
)
def test_a_batch_names_what_it_refuses(batch, message):
    with pytest.raises(ArchitectureError, match=message):
        CELLS.parse_many(batch)


def test_foreign_containers_are_told_without_importing_their_libraries():
    import subprocess
    import sys

    probe = (
        "import sys, archcost, numpy\n"
        f"archcost.predict(numpy.array({OPS}), 'raspi4')\n"
        "assert not {'pandas', 'torch', 'polars', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)


def test_the_same_cost_whatever_holds_it():
    import archcost

    expected = archcost.predict(OPS, "raspi4")
    assert archcost.predict(pd.Series(OPS), "raspi4") == expected
    assert archcost.predict(torch.tensor([OPS] * 3), "raspi4").tolist() == [expected] * 3
    assert archcost.predict_many(pd.Series(OPS), pd.Series(["raspi4"])).tolist() == [expected]
    network = [0] * 22
    assert archcost.predict(pd.Index(network), "fpga") == archcost.predict(network, "fpga")
    assert FBNet().parse(pickle.loads(pickle.dumps(pd.Series(network)))).tolist() == network


def test_a_sequence_that_cannot_be_read_says_so():
    class Unreadable(list):
        def __iter__(self):
            raise RuntimeError("gone")

    with pytest.raises(ArchitectureError, match=r"it cannot be read \(gone\)"):
        CELLS.parse(Unreadable(OPS))
