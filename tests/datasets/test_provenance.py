"""What tables say of their making: typed, and nothing of what older tables say is lost."""

import dataclasses
import json

import pyarrow.parquet as pq
import pytest

from archcost.datasets import CostTable, Provenance, bundled_tables
from archcost.errors import CostTableError


@pytest.mark.parametrize("path", bundled_tables().values(), ids=lambda path: path.stem)
def test_what_a_table_says_comes_back_whole_and_typed(path):
    told = json.loads(pq.read_schema(path).metadata[b"archcost.provenance"])
    provenance = Provenance.of(told)
    assert provenance.to_dict() == told
    # Every name is a field, but for what only tables of networks say.
    networks = {"left_out", "odd_from_even_rounds_median", "odd_from_even_rounds_p90"}
    assert set(provenance.further) <= networks
    assert Provenance.of(provenance) is provenance


def test_a_value_that_no_field_can_hold_is_kept_beside():
    told = {"threads": "four", "seed": True, "cores": "not known", "note": [1, {"a": None}]}
    provenance = Provenance.of(told)
    assert provenance.threads is None and provenance.seed is None
    assert provenance.cores == "not known"
    assert provenance.further == {"threads": "four", "seed": True, "note": [1, {"a": None}]}
    assert provenance.to_dict() == told


def test_it_is_frozen_and_says_what_defines_the_measurement():
    provenance = Provenance.of({"runtime": "litert", "seed": 3, "my_setting": "fast"})
    assert provenance.setup() == {"runtime": "litert", "my_setting": "fast"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        provenance.seed = 4
    assert Provenance.of(None) == Provenance() == Provenance.of({})


@pytest.mark.parametrize("told", [[1], "runtime", 5, {1: "a"}, [("a", 1)]])
def test_what_is_no_mapping_of_names_is_refused(told):
    with pytest.raises(CostTableError, match="provenance must be a mapping from names to JSON"):
        CostTable.from_costs("nasbench201", [[0] * 6], [1.0], device="b", provenance=told)


def test_what_is_no_json_is_refused_when_written(tmp_path):
    endless = {}
    endless["again"] = endless
    for wrong in (object(), {1, 2}, endless, CostTable):
        told = {"a": wrong}
        table = CostTable.from_costs("nasbench201", [[0] * 6], [1.0], device="b", provenance=told)
        with pytest.raises(CostTableError, match="provenance must be JSON data, but"):
            table.write(tmp_path / "t.parquet")
    assert not list(tmp_path.iterdir())
