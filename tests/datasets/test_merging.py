from dataclasses import replace

import numpy as np
import pytest

from archcost.datasets import CostTable
from archcost.datasets.merging import merge_tables, missing_shards, reference_spread
from archcost.errors import ArchcostError, CostTableError
from archcost.measuring.shards import Shard
from archcost.spaces import get_space

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(9, seed=0)
SETUP = {"runtime": "onnxruntime", "runtime_version": "1.2", "precision": "fp32", "threads": 1}


def table(archs, *, device="board", metric="latency", shift=0.0, **provenance):
    costs = [1.0 + shift + SPACE.index(ops) for ops in archs]
    return CostTable.from_costs(
        SPACE, archs, costs, device=device, metric=metric, provenance={**SETUP, **provenance}
    )


def shards(n):
    return [
        table(
            Shard(i, n).part(ARCHS),
            cpu="Xeon",
            shard=f"{i}/{n}",
            repeatability_spearman=1 - i / 100,
            reference_ms=2.0 + i / 10,
        )
        for i in range(1, n + 1)
    ]


def test_shards_share_out_every_architecture_once():
    parts = [Shard.parse(f"{i}/4").part(ARCHS) for i in range(1, 5)]
    assert [len(part) for part in parts] == [3, 2, 2, 2]
    assert np.array_equal(parts[1], ARCHS[[1, 5]])
    together = sorted(map(bytes, np.concatenate(parts)))
    assert together == sorted(map(bytes, ARCHS))


@pytest.mark.parametrize("text", ["0/4", "5/4", "1/0", "1of4", "-1/4", "1/4/2", ""])
def test_shard_that_does_not_exist_is_refused(text):
    with pytest.raises(ArchcostError, match=r"a shard must read i/n.*such as 2/8, but got"):
        Shard.parse(text)


def test_shard_without_an_architecture_is_refused():
    with pytest.raises(ArchcostError, match="there are 9 for shard 10/10"):
        Shard(10, 10).part(ARCHS)


def test_merged_shards_are_the_whole_and_no_better_than_the_worst():
    merged = merge_tables(shards(3))
    (key,) = merged.keys()
    costs = {SPACE.index(ops): cost for ops, cost in zip(*merged.costs(key), strict=True)}
    assert costs == {SPACE.index(ops): 1.0 + SPACE.index(ops) for ops in ARCHS}
    told = merged.provenance.to_dict()
    assert {**SETUP, "cpu": "Xeon"}.items() <= told.items()
    assert told["repeatability_spearman"] == 0.97
    assert [part["repeatability_spearman"] for part in told["parts"]] == [0.99, 0.98, 0.97]
    assert [part["n_rows"] for part in told["parts"]] == [3, 3, 3]
    assert [part["shard"] for part in told["parts"]] == ["1/3", "2/3", "3/3"]
    assert missing_shards(merged) == []
    assert reference_spread(merged) == pytest.approx(2.3 / 2.1)


def test_merging_in_two_steps_keeps_every_part():
    one, two, three = shards(3)
    merged = merge_tables([merge_tables([one, two]), three])
    at_once = merge_tables([one, two, three])
    assert missing_shards(merge_tables([one, three])) == ["2/3"]
    assert merged.sha256 == at_once.sha256
    assert merged.provenance == at_once.provenance


def test_repeatability_unknown_of_a_part_is_unknown_of_the_whole():
    one, two = shards(2)
    two = two.with_provenance(replace(two.provenance, repeatability_spearman=None))
    assert merge_tables([one, two]).provenance.repeatability_spearman is None


@pytest.mark.parametrize(
    "differing",
    [
        {"runtime_version": "1.3"},
        {"threads": 2},
        {"cpu": "EPYC"},
        {"cpu": None},
        {"cores": 4},
        {"system": "Linux aarch64"},
        {"accelerator_sha256": "0" * 64},
        {"simulator_version": "2"},
        {"runs_per_round": 5},
        {"room": "B12"},  # what a runtime of the user's says of itself
    ],
)
def test_costs_of_one_key_come_from_one_setup(differing):
    parts = [table(ARCHS[:4], cpu="Xeon"), table(ARCHS[4:], **{"cpu": "Xeon", **differing})]
    (name,) = differing
    with pytest.raises(CostTableError, match=rf"one setup, but .*board.* made with {name} .* and "):
        merge_tables(parts)
    merged = merge_tables(parts, allow_different_setups=True)
    assert len(merged) == 9
    assert name not in merged.provenance.to_dict()
    # What was merged in spite of its setups does not pass as one setup later on.
    with pytest.raises(CostTableError, match="must come from one setup"):
        merge_tables([merged, table(ARCHS[:1], cpu="Xeon")])


def test_tables_of_other_devices_and_metrics_merge_whatever_their_setups():
    parts = [
        table(ARCHS, cpu="Xeon", reference_ms=1.0),
        table(ARCHS, metric="energy", cpu="EPYC", reference_ms=2.0),
        table(ARCHS, device="phone", runtime="litert"),
    ]
    merged = merge_tables(parts)
    assert len(merged) == 27
    assert len(merged.keys()) == 3
    assert reference_spread(merged) is None


def test_same_architecture_with_another_cost_is_refused():
    with pytest.raises(CostTableError, match="must have one cost a key"):
        merge_tables([table(ARCHS[:4]), table(ARCHS[3:], shift=0.5)])
    assert len(merge_tables([table(ARCHS[:4]), table(ARCHS[3:])])) == 9
    with pytest.raises(CostTableError, match="two tables or more, but got 1"):
        merge_tables([table(ARCHS)])


def test_shards_of_another_draw_do_not_stand_in(tmp_path):
    one, two, _ = shards(3)
    two = two.with_provenance(
        replace(two.provenance, architectures="20 drawn uniformly with seed 1")
    )
    missing = missing_shards(merge_tables([one, two], allow_different_setups=True))
    assert missing[:2] == ["2/3", "3/3"]
    assert missing[2:] == [f"{n}/3 of 20 drawn uniformly with seed 1" for n in (1, 3)]
