"""What is known of prices before any cost."""

import numpy as np
import pytest

from archcost.kernels.kernel_arrays import KINDS
from archcost.kernels.kernel_work import ROLES
from archcost.predictors.price_prior import ANY_SPEED, GENERIC_MEAN, PLAIN_MEANS, prior_around


def place(kind, role):
    """Where a price stands."""
    return KINDS.index(kind) * len(ROLES) + ROLES.index(role)


def test_bytes_of_layout_changes_differ_together():
    covariance = prior_around(GENERIC_MEAN, 0.8, 0.3, 0.2, layout=1.5).covariance
    split, transpose = place("split", "io"), place("transpose", "io")
    alike = ANY_SPEED**2 + 0.8**2 + 0.3**2
    assert covariance[split, transpose] == pytest.approx(alike + 1.5**2)
    assert covariance[split, split] == pytest.approx(alike + 1.5**2 + 0.2**2)
    assert covariance[split, place("norm", "io")] == pytest.approx(ANY_SPEED**2 + 0.8**2)
    assert covariance[split, place("split", "count")] == pytest.approx(ANY_SPEED**2 + 0.3**2)


def test_plain_machines_price_arithmetic_whatever_its_shape():
    for mean in PLAIN_MEANS:
        narrow, macs = place("conv", "narrow_in"), place("conv", "macs")
        assert mean[narrow] - mean[macs] < GENERIC_MEAN[narrow] - GENERIC_MEAN[macs]
        assert mean[macs] == GENERIC_MEAN[macs]


def test_covariances_are_shared_and_cannot_be_changed():
    one, other = (prior_around(mean, 0.3, 0.2, 0.2) for mean in (GENERIC_MEAN, PLAIN_MEANS[0]))
    assert one.covariance is other.covariance
    with pytest.raises(ValueError, match="read-only"):
        one.covariance[0, 0] = 1.0
    assert np.linalg.eigvalsh(one.covariance).min() > -1e-9
