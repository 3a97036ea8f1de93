"""Features looked up in a table are those found architecture by architecture."""

import numpy as np
import pytest

from archcost.features import CostDrivers, LayerwiseFeatures
from archcost.features.small_spaces import MANY
from archcost.spaces import NASBench201

CELLS = NASBench201()


@pytest.mark.parametrize(
    "encoder", [CostDrivers(), LayerwiseFeatures()], ids=lambda e: type(e).__name__
)
def test_many_architectures_have_the_features_of_few(encoder):
    encoder.bind(CELLS)
    ops = CELLS.sample(MANY + 5, seed=3)
    some = np.array([0, 7, 500, MANY + 4])
    many = encoder.transform(ops)
    np.testing.assert_array_equal(many[some], encoder.transform(ops[some]))
    # The table itself stays as it is, whatever is done to what was looked up.
    many[:] = 0
    np.testing.assert_array_equal(encoder.transform(ops)[some], encoder.transform(ops[some]))
