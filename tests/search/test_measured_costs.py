"""Measurements of a search are made once, and kept whatever happens."""

import json

import pytest

from archcost.errors import ArchcostError, IntegrityError
from archcost.search.measured_costs import MeasuredCosts

SETUP = {"space": "mine", "command": "./bench.sh {model}"}


def test_each_is_measured_once_ever(tmp_path):
    path, asked = tmp_path / "new" / "kept.jsonl", []

    def measure(arch):
        asked.append(arch)
        return float(len(asked))

    costs = MeasuredCosts(measure, path, SETUP)
    assert [costs("a"), costs("b"), costs("a")] == [1.0, 2.0, 1.0]
    with path.open("a") as file:
        file.write('{"arch": "c", "co')  # killed while it wrote
    again = MeasuredCosts(measure, path, SETUP)
    assert again.costs == {"a": 1.0, "b": 2.0}
    assert again("c") == 3.0 and asked == ["a", "b", "c"]
    lines = list(map(json.loads, path.read_text().splitlines()))
    assert lines == [
        SETUP,
        *({"arch": a, "cost": c} for a, c in zip("abc", (1, 2, 3), strict=True)),
    ]


def test_a_failure_leaves_what_was_measured(tmp_path):
    def measure(arch):
        if arch == "bad":
            raise RuntimeError("the board is off")
        return 1.0

    costs = MeasuredCosts(measure, tmp_path / "kept.jsonl", SETUP)
    costs("good")
    with pytest.raises(RuntimeError):
        costs("bad")
    assert MeasuredCosts(measure, tmp_path / "kept.jsonl", SETUP).costs == {"good": 1.0}


def test_files_of_other_searches_are_refused(tmp_path):
    path = tmp_path / "kept.jsonl"
    MeasuredCosts(len, path, SETUP)
    with pytest.raises(ArchcostError, match="measurements with another command; go on"):
        MeasuredCosts(len, path, SETUP | {"command": "other {model}"})
    path.write_text("arch,cost\n")
    with pytest.raises(IntegrityError, match="is not what a search has measured"):
        MeasuredCosts(len, path, SETUP)
