import pytest

from archcost.features.work_shares import BYTES_PER_MS, CALLS_PER_MS, KINDS, work_times
from archcost.networks import GraphBuilder


def test_work_times_are_those_of_each_op():
    builder = GraphBuilder()
    x = builder.conv(builder.input((8, 10, 10)), 8, 3, groups=8, name="a")
    x = builder.batch_norm(x, name="b")
    graph = builder.graph(builder.relu(builder.conv(x, 16, name="c")))
    times = dict(zip(KINDS, work_times(graph), strict=True))
    pixels = 100
    assert times["calls"] == pytest.approx(3 / CALLS_PER_MS)  # the normalisation is folded
    assert times["activation"] == pytest.approx(2 * 16 * pixels * 4 / BYTES_PER_MS)
    # 7,200 MACs at 5e6 a ms, or 6,400 bytes at 8e6 a ms: the longer counts.
    assert times["depthwise"] == pytest.approx(max(7200 / 5e6, 6400 / 8e6))
    assert times["weights"] == pytest.approx(4 * (72 + 128) / BYTES_PER_MS)
    assert times["normalisation"] == times["dense"] == 0
