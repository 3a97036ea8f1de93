"""Measurements of a new device: what other columns say, frames of other libraries, options."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from archcost.errors import ArchcostError, CostTableError
from archcost.spaces import SPACES
from archcost.training import suggest, transfer
from archcost.training.measurements import read_measurements
from archcost.training.train_settings import TrainSettings

CELLS = SPACES["nasbench201"]
ARCHS = CELLS.format_many(CELLS.sample(4, seed=1))
FRAME = pd.DataFrame({"arch": ARCHS, "latency_ms": [3.0, 4.0, 5.0, 6.0]})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"Latency (ms)": 1.0}, "one column must hold 'latency_ms', but .* remove or rename one"),
        ({"Arch": "x"}, "one column must hold 'arch'"),
        ({"dataset": "cifar100"}, "dataset must say what the costs are read as, 'cifar10', but"),
        ({"space": "fbnet"}, "column space must say"),
        ({"unit": "us"}, "column unit must say what the costs are read as, 'ms', but says 'us'"),
        ({"status": "failed"}, "column status must say"),
        ({"device": ["a", "a", "b", "b"]}, r"of one device, .* several: \['a', 'b'\]; select one"),
    ],
)
def test_columns_that_contradict_are_refused(columns, message):
    with pytest.raises(CostTableError, match=message):
        read_measurements(CELLS, FRAME.assign(**columns), "pi", None, None)


def test_columns_that_agree_and_rows_without_cost_are_accepted():
    frame = FRAME.assign(dataset="cifar10", unit="ms", space="nasbench201", device="my pi")
    frame["status"] = ["ok", "failed", "ok", "ok"]
    frame.loc[1, "latency_ms"] = np.nan
    assert read_measurements(CELLS, frame, "pi", None, None).cost.tolist() == [3.0, 5.0, 6.0]


def test_a_column_that_comes_twice_is_refused():
    with pytest.raises(CostTableError, match="one column must hold 'latency_ms'"):
        read_measurements(CELLS, pd.concat([FRAME, FRAME["latency_ms"]], axis=1), "pi", None, None)


def test_frames_of_arrow():
    rows = pa.Table.from_pandas(FRAME)
    assert read_measurements(CELLS, rows, "pi", None, None).cost.tolist() == [3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize("seed", [-1, 1.5, "0", None, []])
def test_seeds_are_whole_numbers(seed):
    with pytest.raises(ArchcostError, match="seed must be "):
        transfer(CELLS, FRAME, device="pi", sources=[], seed=seed)
    with pytest.raises(ArchcostError, match="seed must be "):
        suggest(CELLS, 2, sources=[], seed=seed)
    with pytest.raises(ArchcostError, match="seed must be "):
        TrainSettings("lookup", seed=seed)


@pytest.mark.parametrize(
    "option",
    [
        {"n_train": 1},
        {"n_train": 2.5},
        {"test_share": -0.1},
        {"validation_share": "a"},
        {"params": "alpha"},
        {"params": np.array([])},
    ],
)
def test_shares_and_numbers_of_rows_are_checked(option):
    with pytest.raises(ArchcostError, match=f"{next(iter(option))} must be "):
        TrainSettings("lookup", **option)


def test_a_network_with_a_wrong_cost_is_named_as_it_was_given():
    with pytest.raises(CostTableError, match="but that of 'resnet18@64' is -3"):
        transfer("any", {"resnet18@64": -3.0, "resnet34@64": 2.0}, device="my_board")
