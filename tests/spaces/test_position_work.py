"""What ops add at positions, against the sum over each network's own layers."""

import numpy as np
import pytest
from my_space import MySpace

from archcost.spaces import FBNet, NASBench201
from archcost.spaces.position_work import network_work, position_work


def macs_and_params(layer):
    return np.array([layer.macs, layer.params], dtype=float)


def from_layers(space, ops, dataset):
    return np.array(
        [sum(macs_and_params(layer) for layer in space.layers(row, dataset)) for row in ops]
    )


@pytest.mark.parametrize("space", [NASBench201(), FBNet()], ids=str)
def test_spaces_of_hw_nas_bench_are_additive(space):
    for dataset in space.dataset_names:
        work = position_work(space, dataset, macs_and_params)
        assert work.is_additive
        assert work.table.shape[:2] == (space.n_positions, space.n_ops)
        ops = space.sample(20, seed=5)
        np.testing.assert_array_equal(
            network_work(space, ops, dataset, macs_and_params), from_layers(space, ops, dataset)
        )


def test_a_space_whose_layers_depend_on_their_neighbours_is_not():
    space = MySpace()
    for dataset in space.dataset_names:
        work = position_work(space, dataset, macs_and_params)
        assert not work.is_additive
        assert (work.table.sum(axis=(2, 3)) > 0).sum() == 4 * 4  # all blocks, nothing else
        ops = space.sample(40, seed=5)
        true = from_layers(space, ops, dataset)
        np.testing.assert_array_equal(network_work(space, ops, dataset, macs_and_params), true)
        summed = work.table.sum(axis=2)[np.arange(5), ops].sum(axis=1) + work.fixed.sum(axis=0)
        assert np.abs(summed - true).max() > 0.2 * true.max()
        assert np.corrcoef(summed[:, 0], true[:, 0])[0, 1] > 0.6  # but a fair guide


class Wider(MySpace):
    """Of the same name and slots, with other networks."""

    def describe(self, ops, dataset, builder):
        wide = builder.conv(builder.input(dataset.input_shape), 48, 3, name="wide")
        features = builder.flatten(builder.global_pool(wide))
        return builder.linear(features, dataset.n_classes, name="classifier")


def test_spaces_of_one_name_do_not_share_their_work():
    mine, wider = MySpace(), Wider()
    assert mine.name == wider.name and mine.fingerprint == wider.fingerprint
    assert mine == MySpace() and mine != wider
    dataset = mine.default_dataset
    ops = mine.sample(3, seed=0)
    first = network_work(mine, ops, dataset, macs_and_params)
    second = network_work(wider, ops, dataset, macs_and_params)
    np.testing.assert_array_equal(second, from_layers(wider, ops, dataset))
    assert (first != second).all()


def test_spaces_that_were_given_other_things_are_not_equal():
    mine, other = MySpace(), MySpace()
    assert mine == other and hash(mine) == hash(other)
    assert mine.all_ops is not None and mine == other  # what was worked out says nothing
    other.width = np.array([8, 16])
    assert mine != other
    mine.width = np.array([8, 24])
    assert mine != other
