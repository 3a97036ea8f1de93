import numpy as np

from archcost.kernels.network_offsets import NetworkOffsets

SIGNATURES = np.array([7, 3, 2**63], dtype=np.uint64)


def test_offsets_are_found_and_0_where_unknown():
    found = NetworkOffsets.of(SIGNATURES, np.array([0.7, 0.3, 0.1]))
    asked = np.array([3, 4, 2**63, 2**64 - 1, 0], dtype=np.uint64)
    assert found(asked).tolist() == [0.3, 0, 0.1, 0, 0]
    assert found.knows(asked).tolist() == [True, False, True, False, False]
    assert len(found) == 3


def test_a_network_that_is_there_twice_has_the_mean():
    found = NetworkOffsets.of(SIGNATURES[[0, 1, 0]], np.array([0.2, 0.5, 0.4]))
    np.testing.assert_allclose(found(SIGNATURES), [0.3, 0.5, 0])


def test_mixtures_count_unknown_networks_as_0():
    one = NetworkOffsets.of(SIGNATURES[:2], np.array([0.4, 0.2]))
    other = NetworkOffsets.of(SIGNATURES[1:], np.array([1.0, 2.0]))
    mixed = NetworkOffsets.mixed([(0.5, one), (0.25, other)])
    np.testing.assert_allclose(mixed(SIGNATURES), [0.2, 0.1 + 0.25, 0.5])


def test_none_knows_nothing():
    assert NetworkOffsets.none()(SIGNATURES).tolist() == [0, 0, 0]
    assert not NetworkOffsets.mixed([]).knows(SIGNATURES).any()
