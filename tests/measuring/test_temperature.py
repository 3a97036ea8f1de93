"""Temperatures: made-up sensors, as virtual machines have none."""

import sys
from types import SimpleNamespace

import pytest

from archcost.errors import ArchcostError
from archcost.measuring.journal import Journal, RoundRecord
from archcost.measuring.measure_settings import MeasureSettings
from archcost.measuring.measured_table import measured_table
from archcost.measuring.temperature import LONGEST_WAIT_S, read_temperature_c, wait_until_cool
from archcost.spaces import SPACES

CELLS = SPACES["nasbench201"]


@pytest.mark.parametrize(
    ("sensors", "expected"),
    [({"cpu": [41.0, 52.5], "nvme": [38.0]}, 52.5), ({"acpi": [-273.2, 0.0]}, None), ({}, None)],
)
def test_the_hottest_sensor_counts(monkeypatch, sensors, expected):
    entries = {name: [SimpleNamespace(current=c) for c in cs] for name, cs in sensors.items()}
    module = SimpleNamespace(sensors_temperatures=lambda: entries)
    monkeypatch.setitem(sys.modules, "psutil", module)
    assert read_temperature_c() == expected


def test_waiting_ends_when_it_is_cool():
    readings, pauses = iter([71.0, 64.0, 59.0]), []
    assert wait_until_cool(60, read=lambda: next(readings), pause=pauses.append) == 59.0
    assert len(pauses) == 2
    assert wait_until_cool(60, 5.0, read=lambda: 71.0, clock=lambda: 6.0) == 71.0


def test_waiting_for_ever_and_without_a_sensor_are_errors():
    now = [0.0]

    def pause(seconds):
        now[0] += 100 * seconds

    with pytest.raises(ArchcostError, match="must cool down to 60 degrees"):
        wait_until_cool(60, read=lambda: 71.0, pause=pause, clock=lambda: now[0])
    assert now[0] > LONGEST_WAIT_S
    with pytest.raises(ArchcostError, match="needs a temperature sensor"):
        wait_until_cool(60, read=lambda: None)
    with pytest.raises(ArchcostError, match="between 0 and 150"):
        MeasureSettings(max_temperature_c=200)


def test_journal_and_table_keep_it(tmp_path):
    archs = CELLS.sample(2)
    with Journal(tmp_path / "j", {}) as journal:
        for place, name in enumerate(CELLS.format_many(archs)):
            for turn in range(2):
                record = RoundRecord(name, turn, (1.0,), temperature_c=50.0 + place + 10 * turn)
                journal.append(record)
    with Journal(tmp_path / "j", {}) as journal:
        records = journal.records
    assert {record.temperature_c for record in records} == {50.0, 51.0, 60.0, 61.0}
    setup = {"dataset": "cifar10", "batch_size": 1, "space": "nasbench201"}
    table = measured_table(CELLS, archs, records, device="pi", setup=setup, provenance={})
    assert list(table.provenance.temperature_c) == [50.5, 60.5]
    assert "temperature_c" not in table.provenance.setup()
