import pytest

from archcost.datasets import DEVICES, UnknownNameError, bundled_tables, load_bundled


def test_bundled_tables_are_whole_and_their_devices_known():
    names = bundled_tables()
    assert names
    for name in names:
        table = load_bundled(name)
        assert set(table.counts()) >= {"ok"}
        assert table.provenance
        assert {key.device for key in sorted(table.keys())} <= set(DEVICES)


def test_an_unknown_bundled_table_is_named():
    with pytest.raises(UnknownNameError, match="bundled table must be one of"):
        load_bundled("none")
