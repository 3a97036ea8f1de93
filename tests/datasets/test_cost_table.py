from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from archcost.datasets import CostKey, CostTable
from archcost.errors import ArchitectureError, CostTableError, MissingDataError, UnknownNameError
from archcost.spaces import FBNet, NASBench201

SPACE = NASBench201()
KEY = CostKey("nasbench201", "my_board", "latency", "cifar10")


def made(cost=(3.0, 1.0, 2.0), archs=None, **options):
    archs = SPACE.all_ops[: len(cost)] if archs is None else archs
    return CostTable.from_costs("nasbench201", archs, cost, **{"device": "my_board", **options})


@settings(deadline=None)  # machines are busy at times
@given(
    cost=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=50),
    start=st.integers(0, SPACE.size - 50),
)
def test_costs_come_back_in_order_after_a_round_trip(tmp_path_factory, cost, start):
    ops = SPACE.all_ops[start : start + len(cost)]
    table = made(cost, ops, provenance={"who": "a test", "depth": [1, 2]})
    path = tmp_path_factory.getbasetemp() / "round.parquet"
    read = CostTable.read(table.write(path))
    for one in (table, read):
        back, latency_ms = one.costs(KEY)
        np.testing.assert_array_equal(back, ops)
        assert latency_ms.tolist() == cost
    assert read.sha256 == table.sha256
    assert read.provenance.to_dict() == {"who": "a test", "depth": [1, 2]}


def test_every_accepted_form_gives_the_same_table():
    ops = SPACE.all_ops[:3]
    forms = [
        ops,
        [list(map(int, row)) for row in ops],
        SPACE.format_many(ops),
        [{"arch_str": text} for text in SPACE.format_many(ops)],
    ]
    assert len({made(archs=form).sha256 for form in forms}) == 1


def test_a_cost_that_does_not_exist_is_null_with_a_status():
    table = made([1.0, np.nan, 3.0], status=["ok", "did_not_compile", "ok"])
    assert table.counts() == {"did_not_compile": 1, "ok": 2}
    ops, latency_ms = table.costs(KEY)
    assert latency_ms.tolist() == [1.0, 3.0]
    np.testing.assert_array_equal(ops, SPACE.all_ops[[0, 2]])
    assert table.to_arrow().column("cost").null_count == 1


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, -1.0, 0.0])
def test_a_cost_must_be_finite_and_positive(wrong):
    with pytest.raises(CostTableError, match="finite number above 0, but row 1 has"):
        made([1.0, wrong])


def test_nan_from_a_data_frame_is_no_cost_either(tmp_path):
    frame = pd.DataFrame({"arch": SPACE.format_many(SPACE.all_ops[:2]), "latency_ms": [1.0, None]})
    frame.to_parquet(tmp_path / "t.parquet")
    with (
        pytest.warns(UserWarning, match="has no checksum"),
        pytest.raises(CostTableError, match="row 1 has no cost and 'ok'"),
    ):
        CostTable.read(tmp_path / "t.parquet", device="my_board")


def test_a_cost_with_a_status_that_denies_it_is_an_error():
    with pytest.raises(CostTableError, match=r"row 0 has the cost 1\.0 and 'failed'"):
        made([1.0, 2.0], status=["failed", "ok"])


def test_an_empty_table_is_an_error():
    with pytest.raises(CostTableError, match="at least one row"):
        made([], np.zeros((0, 6), dtype=np.int8))
    with pytest.raises(CostTableError, match="at least one row"):
        CostTable(made().to_arrow().slice(0, 0))
    with pytest.raises(CostTableError, match="at least one table"):
        CostTable.concat([])


def test_duplicates_must_agree():
    twice = SPACE.all_ops[[0, 1, 0]]
    assert len(made([1.0, 2.0, 1.0], twice)) == 2
    with pytest.raises(CostTableError, match=r"rows 0 and 2 give .* the costs 1.0 and 1.1"):
        made([1.0, 2.0, 1.1], twice)
    with pytest.raises(CostTableError, match=r"the costs 1.0 and none"):
        made([1.0, 2.0, np.nan], twice, status=["ok", "ok", "failed"])
    assert len(CostTable.concat([made(), made([5.0], device="other")])) == 4


def test_a_sum_in_another_order_is_the_same_cost():
    twice = SPACE.all_ops[[0, 0]]
    table = made([0.1 + 0.2, 0.3], twice)
    assert table.costs(KEY)[1].tolist() == [0.1 + 0.2]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"device": "My Board"}, UnknownNameError, "a-z, 0-9 and _"),
        ({"metric": "latency_ms"}, UnknownNameError, "did you mean 'latency'"),
        ({"dataset": "imagenet"}, UnknownNameError, "dataset of nasbench201"),
        ({"kind": "guessed"}, UnknownNameError, "kind must be one of"),
        ({"status": "okay"}, UnknownNameError, "did you mean 'ok'"),
        ({"status": ["ok"]}, CostTableError, "status must have 3 values, but has 1"),
        ({"batch_size": 0}, CostTableError, "batch_size must be 1 or more"),
        ({"cost_std": [-1.0, 0.0, 0.0]}, CostTableError, "cost_std must be null or a finite"),
        ({"cost": [1.0, 2.0]}, CostTableError, "one cost an architecture"),
        ({"cost": ["a", "b", "c"]}, CostTableError, "costs must be numbers"),
        ({"cost": ["1", "2", "3"]}, CostTableError, "costs must be numbers"),
        ({"cost": [True, True, True]}, CostTableError, "costs must be numbers, but: truth values"),
        ({"cost": [1.0, True, 2.0]}, CostTableError, "costs must be numbers, but: truth values"),
        ({"cost": np.array([True, 1.0, 2.0], object)}, CostTableError, "numbers, but got True"),
        ({"cost": pd.Series([True] * 3)}, CostTableError, "costs must be numbers, but got bool"),
        ({"cost": np.ones(3, "m8[ms]")}, CostTableError, "numbers, but got timedelta64"),
        ({"cost": [np.timedelta64(1)] * 3}, CostTableError, "numbers, but got timedelta64"),
        ({"cost": [1 + 0j] * 3}, CostTableError, "numbers, but got complex128"),
        ({"cost": {1.0, 2.0, 3.0}}, CostTableError, "costs must be a sequence of numbers"),
        ({"cost": {0: 1.0, 1: 2.0, 2: 3.0}}, CostTableError, "costs must be a sequence"),
        ({"cost": pd.DataFrame({"a": [1.0, 2, 3]})}, CostTableError, "costs must be a sequence"),
        ({"cost": [[1.0], [2.0, 3.0], []]}, CostTableError, "costs must be numbers, but:"),
        ({"cost": [1.0, 2.0, 10**400]}, CostTableError, "costs must be numbers, but:"),
        ({"cost": None}, CostTableError, "one cost an architecture"),
        ({"cost": [1.0, None, 2.0]}, CostTableError, "above 0, but row 1 has nan"),
        ({"cost_std": [True] * 3}, CostTableError, "cost_std must be numbers"),
        ({"cost_std": [1.0, 2.0]}, CostTableError, "cost_std must be one number or one an arch"),
        ({"archs": ["|none~0|"] * 3}, ArchitectureError, "architecture 0: a string of nasbench201"),
        ({"archs": np.zeros((3, 22), dtype=int)}, ArchitectureError, "must have 6 ops"),
    ],
)
def test_wrong_names_and_shapes_are_refused(options, error, message):
    options = {"cost": [1.0, 2.0, 3.0], "archs": SPACE.all_ops[:3], **options}
    with pytest.raises(error, match=message):
        made(**options)


@pytest.mark.parametrize(
    "cost",
    [
        np.ma.array([3.0, 1.0, 9.0], mask=[0, 0, 1]),
        pd.Series([3.0, 1.0, None], dtype="Float64"),
        pd.Series([3, 1, None], dtype="Int64"),
        [3, Fraction(1), None],
        torch.tensor([3.0, 1.0, torch.nan], requires_grad=True),
    ],
)
def test_numbers_in_any_container_and_what_is_missing_is_none(cost):
    table = made(cost, status=["ok", "ok", "failed"], archs=SPACE.all_ops[:3])
    assert table.costs(KEY)[1].tolist() == [3.0, 1.0]
    assert table.counts() == {"failed": 1, "ok": 2}


def test_a_batch_size_is_no_truth_value():
    rows = made().to_arrow()
    place = rows.column_names.index("batch_size")
    with pytest.raises(CostTableError, match="batch_size of a cost table must hold numbers, but"):
        CostTable(rows.set_column(place, "batch_size", pa.array([True] * 3)))


def test_units_and_batch_sizes_are_checked():
    rows = made().to_arrow()
    place = rows.column_names.index("unit")
    with pytest.raises(CostTableError, match="unit of latency must be 'ms', but got 's'"):
        CostTable(rows.set_column(place, "unit", pa.array(["s"] * 3)))
    with pytest.raises(CostTableError, match=r"'my_board' has several.*my_board_32"):
        CostTable.concat([made(), made(dataset="cifar100", batch_size=32)])
    with pytest.raises(CostTableError, match=r"\['unit'\] are missing"):
        CostTable(rows.drop_columns(["unit"]))
    with pytest.raises(CostTableError, match="device of a cost table must have a value"):
        CostTable(
            rows.set_column(rows.column_names.index("device"), "device", pa.nulls(3, pa.string()))
        )


def test_both_spaces_share_a_table():
    fbnet = FBNet()
    networks = fbnet.sample(4, seed=1)
    other = CostTable.from_costs("fbnet", networks, np.arange(1.0, 5), device="my_board")
    table = CostTable.concat(
        [made(), other, made([9.0], metric="energy", dataset="ImageNet16-120")]
    )
    assert [str(key) for key in sorted(table.keys())] == [
        "fbnet-my_board-latency-cifar100",
        "nasbench201-my_board-energy-imagenet16_120",
        "nasbench201-my_board-latency-cifar10",
    ]
    np.testing.assert_array_equal(table.costs("fbnet-my_board-latency-cifar100")[0], networks)
    assert len(table.select(space="fbnet")) == 4
    assert len(table.select(dataset="ImageNet16-120", metric="energy")) == 1
    with pytest.raises(
        UnknownNameError, match=r"device of this table must be one of \['my_board'\]"
    ):
        table.select(device="my_bord")
    with pytest.raises(MissingDataError, match="has no costs for nasbench201-fpga"):
        table.costs("nasbench201-fpga-latency-cifar10")


def test_a_selection_has_the_hash_of_the_same_table_made_alone():
    parts = [made(), made([5.0, 4.0], device="other")]
    assert CostTable.concat(parts).select(device="other").sha256 == parts[1].sha256


@settings(deadline=None)
@given(other=st.sampled_from(["cost", "device", "std", "order", "status"]))
def test_the_hash_tells_tables_apart(other):
    changed = {
        "cost": made([3.0, 1.0, 2.5]),
        "device": made(device="other"),
        "std": made(cost_std=0.1),
        "order": made([1.0, 3.0, 2.0], SPACE.all_ops[[1, 0, 2]]),
        "status": made([3.0, 1.0, np.nan], status=["ok", "ok", "failed"]),
    }
    assert changed[other].sha256 != made().sha256


def test_repeats_are_kept():
    table = made(cost_median=[3.1, 1.1, 2.1], cost_std=[0.1, np.nan, 0.2], n_repeats=50)
    frame = table.to_pandas()
    assert frame["n_repeats"].tolist() == [50] * 3
    assert frame["cost_std"].isna().tolist() == [False, True, False]
    assert frame["cost_median"].tolist() == [3.1, 1.1, 2.1]
    assert isinstance(frame["arch"].dtype, pd.CategoricalDtype)


def test_the_origins_of_joined_tables_are_listed_once():
    one, two = made(provenance={"who": 1}), made(device="other", provenance={"who": 2})
    joined = CostTable.concat([CostTable.concat([one, two]), made([9.0], device="third"), one])
    assert joined.provenance.to_dict() == {"tables": [{"who": 1}, {"who": 2}, {}]}
    with pytest.raises(CostTableError, match="provenance must be JSON data"):
        made(provenance={"space": SPACE}).write("never.parquet")


def test_a_table_says_what_it_is():
    assert repr(made()) == "CostTable(3 rows, 1 keys, {'ok': 3})"
