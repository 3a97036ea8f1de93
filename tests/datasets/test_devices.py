import dataclasses

import pytest

from archcost.datasets import DEVICES, DeviceCard, get_device
from archcost.errors import CostTableError, UnknownNameError
from archcost.simulating.accelerator import accelerators


def test_every_published_column_has_a_card(real_tables):
    files = [*real_tables.glob("help/*/latency/*.pt"), *real_tables.glob("oneproxy/rice_*.pickle")]
    devices = {file.stem.removeprefix("rice_") for file in files}
    assert len(files) == 27 + 27 + 6
    assert devices <= set(DEVICES)


def test_cards_are_filed_under_their_id_and_cannot_change():
    assert all(card.id == device for device, card in DEVICES.items())
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEVICES["fpga"].batch_size = 2


def test_a_suffix_is_the_batch_size_except_for_the_phone():
    for device, card in DEVICES.items():
        last = device.rpartition("_")[2]
        if card.source.startswith("HELP") and last in ("1", "32", "64", "256"):
            assert card.batch_size == (1 if device == "essential_ph_1" else int(last))
        else:
            assert card.batch_size == 1
    assert "phone" in get_device("essential_ph_1").name


def test_accelerators_are_simulated_and_boards_measured():
    simulated = {card.id for card in DEVICES.values() if card.kind == "simulated"}
    assert simulated == {"eyeriss", "fpga", *accelerators()}


def test_an_unknown_device_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'raspi4'"):
        get_device("raspi5")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"id": "my-board"}, UnknownNameError),
        ({"id": "x", "kind": "guessed"}, UnknownNameError),
        ({"id": "x", "batch_size": 0}, CostTableError),
        ({"id": "x", "batch_size": True}, CostTableError),
        ({"id": "x", "threads": -1}, CostTableError),
        ({"id": "x", "runtime": 3}, CostTableError),
    ],
)
def test_a_card_checks_itself(fields, error):
    with pytest.raises(error):
        DeviceCard(name="mine", **fields)
