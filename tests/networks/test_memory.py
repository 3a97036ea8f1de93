"""The peak memory of activations, counted by hand."""

import numpy as np

from archcost.networks import GraphBuilder
from archcost.networks.memory import live_bytes, peak_activation_bytes
from archcost.spaces import get_space

KIB = 1024


def test_a_tensor_lives_until_its_last_reader():
    builder = GraphBuilder()
    image = builder.input((4, 8, 8))  # 1 KiB
    wide = builder.conv(image, 16, 3, name="wide", padding=1)  # 4 KiB
    narrow = builder.conv(wide, 4, 1, name="narrow")  # 1 KiB
    graph = builder.graph(builder.add(narrow, image))
    assert live_bytes(graph).tolist() == [KIB, 5 * KIB, 6 * KIB, 3 * KIB]
    assert peak_activation_bytes(graph) == 6 * KIB


def test_views_and_weights_take_no_bytes_of_their_own():
    builder = GraphBuilder()
    image = builder.input((4, 8, 8))
    flat = builder.flatten(image)
    weights = builder.constant((256,), name="weights")
    graph = builder.graph(builder.add(flat, weights))
    assert live_bytes(graph).tolist() == [KIB, KIB, KIB, 2 * KIB]


def test_activations_are_computed_along():
    builder = GraphBuilder()
    image = builder.input((4, 8, 8))
    conv = builder.conv(image, 4, 3, name="conv", padding=1)
    graph = builder.graph(builder.relu(builder.batch_norm(conv, name="norm")))
    assert live_bytes(graph).max() == 2 * KIB
    assert peak_activation_bytes(graph) == 2 * KIB


def test_a_block_of_fbnet_by_hand():
    # The second layer keeps 32 x 32 pixels, from 16 channels to 24, expanded six times between.
    space = get_space("fbnet")
    small = ["skip"] * space.n_positions
    large = small.copy()
    large[1] = "k3_e6"
    peak = peak_activation_bytes(space.graph(large))
    assert peak == 2 * 6 * 16 * 32 * 32 * 4  # before and after the depthwise convolution
    assert peak_activation_bytes(space.graph(small)) < peak


def test_peaks_by_position_are_those_of_whole_networks():
    from archcost.spaces.position_peaks import network_peaks, position_peaks

    for name, is_separable in (("fbnet", True), ("nasbench201", False)):
        space = get_space(name)
        dataset = space.check_dataset(None)
        ops = space.sample(12, seed=3)
        true = [peak_activation_bytes(space.graph(row.tolist())) for row in ops]
        np.testing.assert_array_equal(network_peaks(space, ops, dataset), true)
        assert position_peaks(space, dataset).is_separable == is_separable
