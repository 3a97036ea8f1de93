from collections import Counter

import numpy as np
import pytest

from archcost.errors import ArchcostError
from archcost.networks import graph_work
from archcost.zoo import probes, zoo_network
from archcost.zoo.probe_blocks import BLOCKS, KINDS

ALL = probes()


def test_probes_follow_from_seed_and_number():
    assert list(ALL)[:2] == ["probe_0_000", "probe_0_001"]
    again = probes(3)
    assert [graph.digest for graph in again.values()] == [
        graph.digest for graph in list(ALL.values())[:3]
    ]
    assert zoo_network("probe_0_002") == ALL["probe_0_002"]
    assert zoo_network("probe_7_002").digest != ALL["probe_0_002"].digest
    assert len({graph.digest for graph in ALL.values()}) == len(ALL) == 120
    # What measured tables of other machines refer to.
    assert ALL["probe_0_000"].digest.startswith("92294aaa2c7c")


def test_probes_have_all_kinds_of_blocks_and_costs_over_two_decades():
    parts = Counter(part for g in ALL.values() for part in {node.part for node in g.nodes})
    assert set(BLOCKS) == set(KINDS)
    assert all(parts[kind] >= 5 for kind in KINDS)
    macs = np.array([graph_work(graph).macs for graph in ALL.values()])
    assert macs.min() < 1e7
    assert macs.max() > 4e8
    assert macs.max() < 2e9
    logs = np.log(macs)
    assert np.std(logs) > 1


def test_probes_have_odd_and_aligned_channels_and_all_kinds_of_groups():
    channels = [node.shape[1] for g in ALL.values() for node in g.nodes if node.op == "conv"]
    aligned = np.mean([c % 16 == 0 for c in channels])
    assert 0.3 < aligned < 0.8
    assert sum(c % 4 != 0 for c in channels) > 30
    groups = {
        (node.attributes["groups"] > 1) + (node.attributes["groups"] == node.shape[1])
        for g in ALL.values()
        for node in g.nodes
        if node.op == "conv"
    }
    assert groups == {0, 1, 2}


def test_batches_of_probes_are_the_same_networks():
    one, two = probes(4), probes(4, batch_size=2)
    for name in one:
        assert graph_work(two[name]).macs == 2 * graph_work(one[name]).macs


def test_no_probes_are_refused():
    with pytest.raises(ArchcostError, match="a probe at least"):
        probes(0)
