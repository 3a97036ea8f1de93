"""Searching with few measurements: what is measured counts as it is, what is not by its bound."""

import numpy as np
import pandas as pd
import pytest

from archcost.errors import ArchcostError
from archcost.search.measured_searching import choose_within, search_measuring

NAMES = [f"a{place}" for place in range(8)]
SCORE = pd.Series([60.0, 61, 62, 63, 64, 65, 66, 67], index=NAMES)
TRUTH = dict(zip(NAMES, [1.0, 2.0, 3.0, 4.0, 5.2, 4.9, 7.0, 8.0], strict=True))


class Guess:
    """Predicts the place of each name, with a relative deviation."""

    def __init__(self, relative_std):
        self.relative_std = relative_std

    def predict(self, archs, *, return_std):
        means = np.array([1.0 + NAMES.index(arch) for arch in archs])
        return means, self.relative_std * means


def test_the_upper_bound_decides():
    sure = choose_within(SCORE, 5.001, Guess(1e-9), {}, 0.95)
    assert (sure.arch, sure.score) == ("a4", 64.0)
    unsure = choose_within(SCORE, 5.0, Guess(0.2), {}, 0.95)
    assert unsure.arch == "a2"
    assert 3.0 < unsure.upper <= 5.0
    assert choose_within(SCORE, 0.5, Guess(0.2), {}, 0.95).arch is None


def test_what_is_measured_counts_as_it_is():
    choice = choose_within(SCORE, 5.0, Guess(0.2), {"a5": 4.9, "a2": 9.0}, 0.95)
    assert (choice.arch, choice.upper) == ("a5", 4.9)


def test_of_equal_scores_the_cheapest():
    same = pd.Series(1.0, index=NAMES)
    assert choose_within(same, 5.0, Guess(0.01), {}, 0.95).arch == "a0"


def run(n_measurements, relative_std=0.2, **changes):
    asked = []

    def measure(arch):
        asked.append(arch)
        return TRUTH[arch]

    settings = {"measure": measure, "fit": lambda measured: Guess(relative_std), "start": ["a0"]}
    [choice] = search_measuring(SCORE, [5.0], n_measurements=n_measurements, **settings | changes)
    assert list(choice.measured) == asked
    return choice


def test_measurements_go_where_they_decide():
    assert run(1, level=0.95).arch == "a2"
    more = run(5)
    assert more.arch == "a5"  # better than thought: only measuring tells
    assert more.upper == TRUTH["a5"]
    assert "a1" not in more.measured  # could not improve on anything


@pytest.mark.parametrize("per_round", [1, 2, 7])
def test_it_stops_when_nothing_better_is_left(per_round):
    choice = run(8, per_round=per_round)
    assert choice.arch == "a5"
    assert {"a5", "a6", "a7"} <= set(choice.measured)


def test_limits_share_their_measurements():
    asked = []

    def measure(arch):
        asked.append(arch)
        return TRUTH[arch]

    choices = search_measuring(
        SCORE, [2.5, 5.0], measure=measure, fit=lambda measured: Guess(0.2), start=["a0"],
        n_measurements=6,
    )  # fmt: skip
    assert [choice.arch for choice in choices] == ["a1", "a5"]
    assert all(list(choice.measured) == asked for choice in choices)
    assert len(asked) == 6


def test_rounds_end_with_the_measurements():
    assert len(run(4, per_round=2).measured) == 4


def test_too_few_measurements_are_refused():
    with pytest.raises(ArchcostError, match="at least the 1 measurements of its start"):
        run(0)
    with pytest.raises(ArchcostError, match="needs candidates, limits"):
        search_measuring(SCORE[:0], [5.0], measure=TRUTH.get, fit=None, start=[], n_measurements=1)
