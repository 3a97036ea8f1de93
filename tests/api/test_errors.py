"""Texts of errors: the nearest name first, values bounded, hints that do not mislead."""

import numpy as np
import pytest

import archcost
from archcost.errors import (
    ArchcostError,
    MissingDataError,
    UnknownNameError,
    check_name,
    check_number,
    shown,
)
from archcost.folders import expanded

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


def test_the_nearest_name_comes_before_a_long_list():
    names = [f"device{number}" for number in range(40)]
    with pytest.raises(UnknownNameError) as error:
        check_name("device", "device77", names)
    assert str(error.value).startswith(
        "device must be one of the 40 listed below, but got 'device77'; did you mean 'device7'? "
        "There are: device0, device1, device10,"
    )
    with pytest.raises(UnknownNameError, match=r"but got 'xyz'\. There are: device0, "):
        check_name("device", "xyz", names)


def test_a_name_that_is_like_none_has_no_hint():
    with pytest.raises(UnknownNameError, match=r"but got 'speed'$"):
        check_name("metric", "speed", ["latency", "energy"])
    with pytest.raises(UnknownNameError, match=r"but got 'x+ \.\.\. x+'$"):
        check_name("metric", "x" * 10**6, ["latency", "energy"])


def test_values_are_bounded_whatever_they_are():
    class Broken:
        def __repr__(self):
            raise RuntimeError("no")

    deep = []
    for _ in range(10**5):
        deep = [deep]
    assert shown(Broken()) == "a Broken that cannot be printed"
    assert shown(deep) == "a list that cannot be printed"
    assert shown(-(10**5000)).startswith("an integer of 16610 bits")
    assert len(shown(list(range(10**5)))) < 400
    assert shown([10**5000]) == "a list that cannot be printed"
    while deep:  # taking it apart at once would be as deep
        deep = deep.pop()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": None}, "device must be one device id, such as 'raspi4', but got None$"),
        ({"device": 4}, "device must be one device id"),
        ({"device": ["raspi4", "fpga"]}, r"but got \['raspi4', 'fpga'\]; predict_many takes"),
        ({"device": {"raspi4"}}, "predict_many takes several"),
        ({"metric": []}, r"metric must be one of \['energy', 'latency'\], but got \[\]"),
        ({"metric": None}, "metric must be one of"),
        ({"dataset": []}, "dataset of nasbench201 must be one of"),
        ({"dataset": 10}, "dataset of nasbench201 must be one of"),
        ({"space": []}, "space must be one of"),
        ({"space": 5}, "space must be one of"),
        ({"model": []}, "model must be a saved model's folder"),
        ({"model": 5}, "model must be a saved model's folder"),
        ({"device": "raspi5"}, "did you mean 'raspi4'.*There are: 1080ti_1, "),
    ],
)
def test_what_predict_is_asked_with_is_checked(options, message):
    with pytest.raises(UnknownNameError, match=message):
        archcost.predict(CELL, **{"device": "raspi4", **options})


@pytest.mark.parametrize(
    ("devices", "metrics"),
    [(None, "latency"), ({"raspi4"}, "latency"), (["raspi4"], None), (["raspi4"], {"latency"})],
)
def test_what_predict_many_is_asked_with_is_checked(devices, metrics):
    with pytest.raises(UnknownNameError, match="must be a list of names"):
        archcost.predict_many(CELL, devices, metrics)
    with pytest.raises(UnknownNameError, match="device must be one device id"):
        archcost.predict_many(CELL, [["raspi4"]])


def test_a_dataset_without_a_model_is_no_misspelling():
    with pytest.raises(UnknownNameError) as error:
        archcost.predict(CELL, "raspi4", dataset="cifar100")
    assert "did you mean" not in str(error.value)
    assert "`archcost train --table FILE --device raspi4 --dataset cifar100`" in str(error.value)


def test_a_folder_of_an_unknown_user():
    with pytest.raises(MissingDataError, match="must name a user of this machine"):
        expanded("~no-such-user/models")


@pytest.mark.parametrize("value", [True, "3", None, float("nan"), np.timedelta64(3), 10**400, [3]])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ArchcostError, match="level must be a number, but got"):
        check_number("level", value)


def test_numbers_keep_their_bounds():
    assert check_number("level", np.float32(0.5), 0, 1) == 0.5
    assert check_number("count", np.int8(3), 1, whole=True) == 3
    with pytest.raises(ArchcostError, match=r"count must be an integer, but got 2\.5"):
        check_number("count", 2.5, 1, whole=True)
    with pytest.raises(ArchcostError, match="count must be at most 4, but got 5"):
        check_number("count", 5, 1, 4, whole=True)
