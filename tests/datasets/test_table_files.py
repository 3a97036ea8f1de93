import os
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from archcost.datasets import CostTable
from archcost.errors import (
    ArchcostError,
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
    path = csv(tmp_path, "arch,latency_ms\n0,7.5\n1,4\n")
    with pytest.raises(ArchitectureError, match=r"row 2: .*of nasbench201 and of natsbench_size"):
        CostTable.read(path, device="b")
    by_index = CostTable.read(path, device="b", space="nasbench201")
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


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (f"arch;latency_ms\n{A};7.5\n", CostTableError, "row 1 is .*: they look separated by semi"),
        (f"latency_ms\tarch\n7.5\t{A}\n", CostTableError, "look separated by tabs"),
        (
            f'arch,latency_ms\n{A},"7,5"\n',
            CostTableError,
            "row 2 has '7,5', which looks like a dec",
        ),
        (f'arch,latency_ms\n{A},"1.007,5"\n', CostTableError, r"decimal comma; write 1007\.5"),
        (
            f"arch,latency_ms\n{A},7,5\n",
            IntegrityError,
            "row 2 has 3 cells and row 1 has 2; it loo",
        ),
        (f"arch,latency_ms,x\n{A},7\n", IntegrityError, "row 2 has 2 cells and row 1 has 3"),
        (f"arch,latency_ms\n{A},7.5 ms\n", CostTableError, "row 2 has '7.5 ms'; write numbers alo"),
        (
            f"arch,latency_ms\n{A},1_000\n",
            CostTableError,
            "must be a number, but row 2 has '1_000'",
        ),
        (f"arch,latency_ms\n{A},True\n", CostTableError, "must be a number, but row 2 has 'True'"),
        (
            f"arch,Latency (ms)\n{A},7\n",
            CostTableError,
            r"'Latency \(ms\)' looks like 'latency_ms'",
        ),
        (f"Architecture,latency\n{A},7\n", CostTableError, "'latency' looks like 'latency_ms'"),
        (f"arch,latency\n{A},7\n", CostTableError, "'latency_ms': rename it if it is in ms"),
        (f"arch,latency_us\n{A},7\n", CostTableError, "'latency_ms' in us: convert it to ms and"),
        (f"arch,Latency (µs)\n{A},7\n", CostTableError, "'latency_ms' in us: convert it to ms"),
        (f"arch,energy_j\n{A},7\n", CostTableError, "'energy_mj' in j: convert it to mj"),
        (f"index,latency_ms\n{A},7\n", CostTableError, r"has \['index', 'latency_ms'\]$"),
        (f"arch,latency_ms,latency_ms\n{A},7,7\n", CostTableError, "'latency_ms' comes twice"),
        (f"arch,latency_ms, arch\n{A},7,{A}\n", CostTableError, "'arch' comes twice"),
        (f'arch,latency_ms\n"{A},7\n', IntegrityError, "must be a whole CSV file"),
        (f"arch,latency_ms\n{A},7\n\n{B},-7\n", CostTableError, r"row 4 has -7\.0"),
        (f"arch,latency_ms\n\n{A},7\n\n{A},8\n", CostTableError, "rows 3 and 5 give"),
        (f"arch,latency_ms,energy_mj\n{A},7,1\n{B},8,0\n", CostTableError, r"row 3 has 0\.0"),
        (f"arch,latency_ms\n{A},7\n{B[:-1]},8\n", ArchitectureError, "row 3: a string of nasbench"),
        ("arch,latency_ms\nresnet,7\n", ArchitectureError, "row 2: no search space accepts"),
        (
            "arch,space,cost\n1,nasbench201,7\n15625,nasbench201,8\n",
            ArchitectureError,
            "row 3: an index of nasbench201",
        ),
        (f"arch,latency_ms\n{A},7\n7,8\n", ArchitectureError, "row 3: a string of nasbench201"),
        ("arch,latency_ms\n" + "7" * 5000 + ",8\n", ArchitectureError, "row 2: no search space"),
        ("arch,latency_ms\n" + "7" * 200_000 + ",8\n", IntegrityError, "field larger than"),
        ("arch,space,cost\n7,fbnet,8\n", ArchitectureError, "order is not published, but got the"),
    ],
)
def test_what_a_csv_looks_like_is_said(tmp_path, content, error, message):
    with pytest.raises(error, match=message):
        CostTable.read(csv(tmp_path, content), device="my_board")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_a_csv_in_another_encoding_says_so(tmp_path, encoding):
    path = tmp_path / "mine.csv"
    path.write_bytes(f"arch,latency_ms,note\n{A},7.5,\u00e4\n".encode(encoding))
    with pytest.raises(CostTableError, match="must be a CSV file in UTF-8, but it looks like"):
        CostTable.read(path, device="my_board")


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PAR1", r"a Parquet file; give it a name that ends in \.parquet"),
        (b"PK\x03\x04", "a spreadsheet's own format or a ZIP archive"),
        (b"\x1f\x8b\x08", "compressed by gzip"),
    ],
)
def test_a_file_that_is_no_csv_is_named(tmp_path, start, what):
    path = tmp_path / "mine.csv"
    path.write_bytes(start + bytes(range(256)))
    with pytest.raises(CostTableError, match=what):
        CostTable.read(path, device="my_board")


def test_spaces_whole_numbers_and_further_columns_are_fine(tmp_path):
    text = f'\ufeffarch , latency_ms ,energy_mj,note\r\n {A} , 7.5 ,20,"a, b"\r\n{B},8,21,\r\n'
    path = tmp_path / "mine.csv"
    path.write_bytes(text.encode())
    table = CostTable.read(path, device="my_board")
    assert table.costs("nasbench201-my_board-latency-cifar10")[1].tolist() == [7.5, 8.0]
    assert table.costs("nasbench201-my_board-energy-cifar10")[1].tolist() == [20.0, 21.0]


def test_whole_numbers_beside_decimal_ones_in_parquet(tmp_path):
    rows = pa.table({"arch": [A, B], "latency_ms": [7.5, 8.0], "energy_mj": [20, 21]})
    pq.write_table(rows, tmp_path / "t.parquet")
    with pytest.warns(UserWarning, match="has no checksum"):
        table = CostTable.read(tmp_path / "t.parquet", device="my_board")
    assert table.costs("nasbench201-my_board-energy-cifar10")[1].tolist() == [20.0, 21.0]


@pytest.mark.parametrize(
    "costs",
    [
        pa.array([True, True]),
        pa.array([1, 2], pa.duration("ms")),
        pa.array([1, 2], pa.timestamp("s")),
        pa.array(["7", "fast"]),
        pa.array([[1.0], [2.0]]),
    ],
)
def test_costs_in_parquet_must_be_numbers(tmp_path, costs):
    pq.write_table(pa.table({"arch": [A, B], "latency_ms": costs}), tmp_path / "t.parquet")
    with (
        pytest.warns(UserWarning, match="has no checksum"),
        pytest.raises(CostTableError, match="the column latency_ms of a cost table must"),
    ):
        CostTable.read(tmp_path / "t.parquet", device="my_board")


def two_rows(tmp_path):
    made = CostTable.from_costs(
        "nasbench201", [A, B], [7.5, 8.25], device="b", cost_std=0.5, provenance={"threads": 1}
    )
    return made.write(tmp_path / "t.parquet"), made


def test_no_flipped_bit_comes_back_as_another_value(tmp_path):
    path, made = two_rows(tmp_path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    unseen = 0
    for place in rng.choice(8 * len(whole), 400, replace=False):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the bit may be in the name of the checksum
            try:
                table = CostTable.read(path)
            except ArchcostError:
                continue
        unseen += 1
        assert table.sha256 == made.sha256
        assert table.provenance == made.provenance
    assert unseen < 240  # in what says nothing, such as statistics and paddings


def test_other_rows_under_the_checksum_are_refused(tmp_path):
    path, _ = two_rows(tmp_path)
    rows = pq.read_table(path)
    pq.write_table(rows.slice(0, 1), path)
    with pytest.raises(IntegrityError, match="must hold what was written, but its content has"):
        CostTable.read(path)
    told = {**rows.schema.metadata, b"archcost.provenance": b'{"threads": 2}'}
    pq.write_table(rows.replace_schema_metadata(told), path)
    with pytest.raises(IntegrityError, match=r"remove 'archcost\.sha256' from the metadata"):
        CostTable.read(path)


def test_a_table_without_a_checksum_is_said_once(tmp_path):
    path, made = two_rows(tmp_path)
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    with pytest.warns(UserWarning, match=r"t\.parquet has no checksum.*`archcost data import`"):
        assert CostTable.read(path).sha256 == made.sha256
    assert CostTable.read(path).sha256 == made.sha256  # warnings are errors here


@pytest.mark.parametrize(
    "told",
    [b"[1, 2]", b"5", b"{", b"[" * 100_000, b'{"a": \xff}'],
    ids=lambda told: told[:8].decode("latin1"),
)
def test_provenance_that_is_none_is_refused(tmp_path, told):
    path, _ = two_rows(tmp_path)
    rows = pq.read_table(path).replace_schema_metadata({b"archcost.provenance": told})
    pq.write_table(rows, path)
    with (
        pytest.warns(UserWarning, match="has no checksum"),
        pytest.raises((IntegrityError, CostTableError), match=r"provenance.* must be a"),
    ):
        CostTable.read(path)


def test_other_readers_see_plain_parquet(tmp_path):
    path, _ = two_rows(tmp_path)
    assert pd.read_parquet(path)["cost"].tolist() == [7.5, 8.25]


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    os.mkfifo(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        with pytest.raises(MissingDataError, match="it is no regular file"):
            CostTable.read(tmp_path / name, device="b")


def test_costs_of_an_unknown_space_say_so(tmp_path):
    path, _ = two_rows(tmp_path)
    rows = pq.read_table(path)
    place = rows.column_names.index("space")
    rows = rows.set_column(place, "space", pa.array(["my_space"] * 2)).replace_schema_metadata(None)
    pq.write_table(rows, path)
    with (
        pytest.warns(UserWarning, match="has no checksum"),
        pytest.raises(
            UnknownNameError, match=r"space must be one of .* but got 'my_space'; .*regist"
        ),
    ):
        CostTable.read(path)


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

    def fail(writer, rows):
        raise OSError("disk full")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
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


@pytest.mark.parametrize("column", [pa.array([5, 5]), pa.array([5, 5]).dictionary_encode()])
def test_words_must_be_text_in_parquet(tmp_path, column):
    table = CostTable.from_costs("nasbench201", [[0] * 6, [3] * 6], [1.0, 2.0], device="board")
    path = table.write(tmp_path / "t.parquet")
    rows = pq.read_table(path).replace_schema_metadata(None)
    pq.write_table(rows.set_column(rows.column_names.index("device"), "device", column), path)
    with pytest.warns(UserWarning, match="no checksum"), pytest.raises(CostTableError) as caught:
        CostTable.read(path)
    assert "the column device of a cost table must hold text" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"arch,latency_ms,Latency (ms)\n{A},3,4\n", "and 'Latency .ms.' both look"),
        (f"arch,Latency_ms,latency_ms\n{A},3,4\n", "one column must hold 'latency_ms'"),
        (f"arch,Arch,latency_ms\n{A},{B},4\n", "one column must hold 'arch'"),
        (f"arch,latency_ms,batch_size\n{A},3,8\n", "1, but says 8; read it with batch_size=8"),
        (f"arch,latency_ms,dataset\n{A},3,cifar100\n", "dataset must say .* says 'cifar100'"),
        (f"arch,latency_ms,space\n{A},3,fbnet\n", "column space must say"),
        (f"arch,latency_ms,unit\n{A},3,us\n", "column unit must say"),
        (f"arch,latency_ms,kind\n{A},3,simulated\n", "column kind must say"),
        (f"arch,latency_ms,device\n{A},3,b\n{B},3,c\n", "must be of one device, .*one table"),
    ],
)  # fmt: skip
def test_columns_that_contradict_what_is_read_are_refused(tmp_path, text, message):
    with pytest.raises(CostTableError, match=message):
        CostTable.read(csv(tmp_path, text), device="b")


def test_columns_that_agree_are_accepted(tmp_path):
    text = f"arch,latency_ms,batch_size,dataset,unit,device\n{A},3,8,ImageNet16-120,MS,phone\n"
    path = csv(tmp_path, text.replace("MS", "ms"))
    table = CostTable.read(path, device="b", batch_size=8, dataset="ImageNet16-120")
    assert table.to_pandas()["batch_size"].tolist() == [8]
