import numpy as np
import pytest

from archcost.errors import ArchcostError, UnknownNameError
from archcost.features.work_shares import KINDS, work_times
from archcost.training import suggest_networks
from archcost.zoo import TELLING, probes, zoo_network


def test_ten_networks_say_most_of_all_kinds_of_work():
    chosen = suggest_networks(10)
    assert len(set(chosen)) == 10
    times = np.stack([work_times(zoo_network(name)) for name in chosen])
    shares = times / times.sum(axis=1, keepdims=True)
    largest = dict(zip(KINDS, shares.max(axis=0), strict=True))
    # Each kind of work that any network of the zoo is mostly made of is that of one of them.
    for kind in ("dense", "pointwise", "depthwise", "grouped", "linear"):
        assert largest[kind] > 0.2
    assert largest["attention"] > 0.05
    assert chosen.spreads == sorted(chosen.spreads, reverse=True)
    assert chosen.expected_gain > 0.9


def test_choice_leaves_less_unknown_than_chance_does():
    names = list(suggest_networks(60))
    best = suggest_networks(8, names).spreads[-1]
    rng = np.random.default_rng(0)
    for _ in range(8):
        drawn = rng.choice(names, 8, replace=False).tolist()
        assert suggest_networks(8, drawn).spreads[-1] > best


def test_what_is_measured_is_not_measured_again():
    first = suggest_networks(3)
    then = suggest_networks(3, measured=list(first))
    assert not set(first) & set(then)
    assert then.spreads[0] == pytest.approx(first.spreads[-1])


def test_candidates_may_be_graphs_and_come_back_as_given():
    graphs = probes(3)
    assert set(suggest_networks(2, graphs)) < set(graphs)
    listed = list(graphs.values())
    assert suggest_networks(1, listed)[0] in listed
    assert len(suggest_networks(9, ["resnet18", "resnet34"])) == 2


def test_bad_candidates_are_refused():
    with pytest.raises(ArchcostError, match="n must be at least 1, but got 0"):
        suggest_networks(0)
    with pytest.raises(ArchcostError, match="at least one network"):
        suggest_networks(1, [])
    with pytest.raises(UnknownNameError, match="did you mean 'resnet18'"):
        suggest_networks(1, ["resnet180"])
    with pytest.raises(ArchcostError, match="a name of the zoo or a Graph"):
        suggest_networks(1, [3])


def test_telling_networks_are_those_that_say_most():
    assert list(TELLING) == list(suggest_networks(len(TELLING)))
