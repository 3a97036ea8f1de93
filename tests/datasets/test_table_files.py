import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archcost.datasets import CostTable
from archcost.errors import (
    ArchitectureError,
    CostTableError,
    IntegrityError,
    MissingDataError,
    UnknownNameError,
)
from archcost.spaces import FBNet, NASBench201

SPACE = NASBench201()
A, B = SPACE.format_many(SPACE.all_ops[:2])


def csv(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    return path


def test_a_csv_of_two_metrics_becomes_two_keys(tmp_path):
    path = csv(
        tmp_path,
        "arch,latency_ms,latency_std_ms,energy_mj,n_repeats\n"
        f"{A},7.5,0.1,20,50\n{B},4.25,0.2,11.5,40\n",
    )
    table = CostTable.read(path, device="my_board")
    assert [str(key) for key in sorted(table.keys())] == [
        "nasbench201-my_board-energy-cifar10",
        "nasbench201-my_board-latency-cifar10",
    ]
    assert table.costs("nasbench201-my_board-energy-cifar10")[1].tolist() == [20.0, 11.5]
    frame = table.select(metric="latency").to_pandas()
    assert frame["cost_std"].tolist() == [0.1, 0.2]
    assert frame["n_repeats"].tolist() == [50, 40]


def test_an_index_stands_for_its_architecture(tmp_path):
    by_index = CostTable.read(csv(tmp_path, "arch,latency_ms\n0,7.5\n1,4\n"), device="b")
    by_name = CostTable.read(csv(tmp_path, f"arch,latency_ms\n{A},7.5\n{B},4\n"), device="b")
    assert by_index.sha256 == by_name.sha256


def test_fbnet_is_told_from_its_strings(tmp_path):
    text = FBNet().format(FBNet().sample(1)[0])
    path = csv(tmp_path, f"arch,energy_mj\n{text},3\n")
    table = CostTable.read(path, device="b", dataset="ImageNet")
    assert str(table.keys()[0]) == "fbnet-b-energy-imagenet"


def test_an_empty_cell_needs_a_status(tmp_path):
    text = f"arch,latency_ms,status\n{A},,did_not_compile\n{B},4,ok\n"
    assert CostTable.read(csv(tmp_path, text), device="b").counts() == {
        "did_not_compile": 1,
        "ok": 1,
    }
    with pytest.raises(CostTableError, match="row 2 has no cost and 'ok'"):
        CostTable.read(csv(tmp_path, f"arch,latency_ms\n{A},\n{B},4\n"), device="b")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (f"arch,latency_ms\n{A},nan\n", CostTableError, "finite number above 0, but row 2 has nan"),
        (f"arch,latency_ms\n{A},-1\n", CostTableError, "finite number above 0, but row 2 has -1.0"),
        (
            f"arch,latency_ms\n{A},fast\n",
            CostTableError,
            "latency_ms must be a number, but row 2 has 'fast'",
        ),
        (f"arch,latency\n{A},1\n", CostTableError, r"'latency_ms' or 'energy_mj'.*it has \['arch'"),
        (f"cell,latency_ms\n{A},1\n", CostTableError, "must have the columns 'arch'"),
        ("arch,latency_ms\n", CostTableError, "at least one row"),
        ("", IntegrityError, "cannot be read"),
        (f"arch,latency_ms\n{A},1,2\n", IntegrityError, "must be a whole CSV file"),
        ("arch,latency_ms\n|what~0|,1\n", ArchitectureError, "no search space accepts"),
        ("arch,latency_ms\n99999,1\n", ArchitectureError, "between 0 and 15624"),
        (f"arch,latency_ms\n{A},1\n{A},2\n", CostTableError, "the costs 1.0 and 2.0"),
    ],
)
def test_each_wrong_csv_has_its_own_error(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        CostTable.read(csv(tmp_path, text), device="my_board")


def test_a_short_form_needs_a_device(tmp_path):
    path = csv(tmp_path, f"arch,latency_ms\n{A},1\n")
    with pytest.raises(CostTableError, match="must be read with a device"):
        CostTable.read(path)
    with pytest.raises(UnknownNameError, match="did you mean 'nasbench201'"):
        CostTable.read(path, device="b", space="nasbench2001")


def test_of_a_long_form_the_rows_asked_for_are_kept(tmp_path):
    tables = [
        CostTable.from_costs("nasbench201", [A], [1.0], device="b", dataset="ImageNet16-120"),
        CostTable.from_costs("nasbench201", [A, B], [2.0, 3.0], device="c"),
    ]
    path = CostTable.concat(tables).write(tmp_path / "t.parquet")
    assert len(CostTable.read(path)) == 3
    assert len(CostTable.read(path, device="c", space=SPACE)) == 2
    assert len(CostTable.read(path, dataset="ImageNet16-120")) == 1
    with pytest.raises(UnknownNameError, match=r"device of this table must be one of \['b', 'c'\]"):
        CostTable.read(path, device="d")


def test_a_truncated_parquet_says_so(tmp_path):
    path = CostTable.from_costs("nasbench201", [A], [1.0], device="b").write(tmp_path / "t.parquet")
    whole = path.read_bytes()
    for size in (0, 4, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(IntegrityError, match="must be a whole PARQUET file"):
            CostTable.read(path)


def test_a_file_that_is_not_there_or_of_another_kind(tmp_path):
    with pytest.raises(MissingDataError, match="there is no cost table"):
        CostTable.read(tmp_path / "t.parquet")
    with pytest.raises(CostTableError, match=r"\.parquet or \.csv"):
        CostTable.read(tmp_path / "t.xlsx")
    with pytest.raises(CostTableError, match=r"written as \.parquet"):
        CostTable.from_costs("nasbench201", [A], [1.0], device="b").write(tmp_path / "t.csv")


def test_nothing_is_left_of_a_write_that_fails(tmp_path, monkeypatch):
    path = CostTable.from_costs("nasbench201", [A], [1.0], device="b").write(tmp_path / "t.parquet")
    before = path.read_bytes()

    def fail(rows, target, **_):
        target.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        CostTable.from_costs("nasbench201", [A], [2.0], device="b").write(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]


def test_plain_text_columns_and_further_columns_are_accepted(tmp_path):
    table = CostTable.from_costs("nasbench201", [A, B], [1.0, 2.0], device="b")
    plain = pa.table(table.to_pandas().astype({"arch": str, "device": str}))
    pq.write_table(plain.append_column("note", pa.array(["x", "y"])), tmp_path / "t.parquet")
    with pytest.warns(UserWarning, match="has no checksum"):
        assert CostTable.read(tmp_path / "t.parquet").sha256 == table.sha256
