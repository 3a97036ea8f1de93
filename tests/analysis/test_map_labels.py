import numpy as np
import pandas as pd
import pytest

from archcost.analysis.charts import device_map_chart
from archcost.analysis.map_labels import label_places

RNG = np.random.default_rng(0)
NAMES = [f"device_{'x' * (n % 9)}" for n in range(60)]


def boxes(names, points, places, font=10.0):
    """Return left, bottom, right and top of the names that are written, character by character."""
    found = []
    for name, (x, y), place in zip(names, points, places, strict=True):
        if place:
            half, low = 0.3 * font * len(name), 0.8 * font
            bottom = y + low if place == "above" else y - low - 1.2 * font
            found.append((x - half, bottom, x + half, bottom + 1.2 * font))
    return found


@pytest.mark.parametrize("scale", [20, 200, 2000])
def test_names_never_overlap(scale):
    points = RNG.normal(size=(60, 2)) * scale
    places = label_places(NAMES, points, 10.0, first=[7])
    assert places[7] == "above"
    found = boxes(NAMES, points, places)
    for place, (left, bottom, right, top) in enumerate(found):
        for other in found[place + 1 :]:
            apart = other[0] >= right or other[2] <= left or other[1] >= top or other[3] <= bottom
            assert apart
    assert len(found) >= {20: 1, 200: 10, 2000: 55}[scale]
    # one that was left out has no room on either side
    dots = [(x - 4, y - 4, x + 4, y + 4) for x, y in points]
    for row in (row for row, place in enumerate(places) if not place):
        for side in ("above", "below"):
            (box,) = boxes(NAMES[row : row + 1], points[row : row + 1], [side])
            assert any(
                box[0] < right and left < box[2] and box[1] < top and bottom < box[3]
                for left, bottom, right, top in [*found, *dots[:row], *dots[row + 1 :]]
            )


def test_points_at_one_place_are_named_twice_at_most():
    assert label_places(["a", "b", "c"], np.zeros((3, 2)), 10.0, [1]) == ["below", "above", ""]


def test_names_do_not_hide_other_points():
    points = np.array([[0.0, 0.0], [0.0, 14.0], [0.0, 100.0]])
    assert label_places(["lower", "upper", "far"], points, 10.0, []) == ["below", "above", "above"]
    points[2] = [0.0, -14.0]
    assert label_places(["middle", "upper", "lower"], points, 10.0, []) == ["", "above", "below"]


def test_the_map_names_the_users_device():
    places = pd.DataFrame(
        {
            "device": ["raspi4", "pixel3", "my_board"],
            "x": [0.1, 0.1001, 0.1],
            "y": [0.2, 0.2, 0.2001],
            "kind": ["measured", "measured", "yours"],
        }
    )
    chart = device_map_chart(places.assign(nearest="raspi4", spearman=0.9))
    named = {value["device"]: value["named"] for value in chart["data"]["values"]}
    assert named["my_board"] == "above" and set(named.values()) <= {"above", "below", ""}
    written = [layer["transform"][0]["filter"] for layer in chart["layer"][1:]]
    assert written == ["datum.named == 'above'", "datum.named == 'below'"]
