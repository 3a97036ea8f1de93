import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from archcost.datasets import CostTable
from archcost.datasets.merging import merge_tables
from archcost.datasets.table_definitions import define_in_spaces, packed
from archcost.datasets.table_files import CHECKSUM, DEFINITIONS
from archcost.errors import ArchitectureError, CostTableError, IntegrityError
from archcost.networks import GraphBuilder
from archcost.spaces import get_space

ANY = get_space("any")
KEY = "any-my_board-latency-as_given"


def own_graph():
    builder = GraphBuilder()
    return builder.graph(builder.conv(builder.input((3, 20, 20)), 5, 3, name="conv"))


@pytest.fixture
def table():
    networks = [own_graph(), "probe_0_000", "resnet18@64#2"]
    return CostTable.from_costs("any", networks, [1.0, 2.0, 3.0], device="my_board")


def test_graphs_travel_in_the_file(table, tmp_path):
    path = table.write(tmp_path / "mine.parquet")
    assert CostTable.read(path).to_arrow().equals(table.to_arrow())
    code = (
        "from archcost.datasets import CostTable; from archcost.spaces import get_space\n"
        f"ops, cost = CostTable.read({str(path)!r}).costs({KEY!r}); space = get_space('any')\n"
        "print(*space.names(ops), *cost, *(space.graph(row).digest for row in ops))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    digests = ANY.format_many([own_graph(), "probe_0_000", "resnet18@64#2"])
    names = [digests[0], "probe_0_000", "resnet18@64#2"]
    assert out.stdout.split() == [*names, "1.0", "2.0", "3.0", *digests]


def test_networks_fix_the_batch_size(table):
    assert table.to_pandas()["batch_size"].tolist() == [1, 1, 2]


def test_tables_of_networks_merge(table):
    other = CostTable.from_costs("any", ["resnet18@64"], [4.0], device="my_board")
    merged = merge_tables([table, other])
    ops, cost = merged.costs(KEY)
    assert dict(zip(ANY.names(ops)[1:], cost[1:], strict=True)) == {
        "probe_0_000": 2.0, "resnet18@64#2": 3.0, "resnet18@64": 4.0,
    }  # fmt: skip
    assert np.shape(ops) == (4, 1)


def test_same_network_with_two_costs_is_refused(table):
    other = CostTable.from_costs("any", [own_graph()], [4.0], device="my_board")
    with pytest.raises(CostTableError, match="one cost a key"):
        CostTable.concat([table, other])


def test_files_of_one_network_each_line(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("arch,latency_ms\nresnet18@64,3.5\nresnet18@64#4,9.5\n")
    table = CostTable.read(path, device="my_board")
    assert [str(key) for key in table.keys()] == [KEY]  # noqa: SIM118
    assert table.to_pandas()["batch_size"].tolist() == [1, 4]
    path.write_text("arch,latency_ms\nresnet18@64,3.5\nresnet19@64,9.5\n")
    with pytest.raises(ArchitectureError, match=r"row 3: .*a network must be"):
        CostTable.read(path, device="my_board", space="any")


def test_damaged_definitions_are_noticed(table, tmp_path):
    path = table.write(tmp_path / "mine.parquet")
    rows = pq.read_table(path)
    defined = pq.read_metadata(path).metadata[DEFINITIONS][:-8]

    def write(metadata):
        schema = rows.schema.with_metadata(metadata)
        with pq.ParquetWriter(path, schema) as writer:
            writer.write_table(rows.replace_schema_metadata(metadata))
            writer.add_key_value_metadata({DEFINITIONS: defined})

    write(rows.schema.metadata)
    with pytest.raises(IntegrityError, match="another checksum"):
        CostTable.read(path)
    write({key: value for key, value in rows.schema.metadata.items() if key != CHECKSUM})
    with (
        pytest.warns(UserWarning, match="no checksum"),
        pytest.raises(IntegrityError, match="definitions of architectures"),
    ):
        CostTable.read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"not base64", packed({"any": {"00": "x"}}), packed({"nowhere": {}}),
        packed({"fbnet": {"a": "b"}}), packed({"any": "text"}), packed([1, 2]),
    ],
)  # fmt: skip
def test_malformed_definitions_are_refused(content, tmp_path):
    with pytest.raises(IntegrityError, match="must be as they were written"):
        define_in_spaces(content, tmp_path)


def test_tables_of_other_spaces_have_no_definitions(tmp_path):
    cells = get_space("nasbench201")
    table = CostTable.from_costs(cells, cells.sample(2), [1.0, 2.0], device="my_board")
    path = table.write(tmp_path / "cells.parquet")
    assert DEFINITIONS not in pq.read_metadata(path).metadata
